"""Disks that are full."""

from dataclasses import dataclass

from chaos.disks import MEBIBYTE, SmallDisk
from chaos.fault import Fault
from chaos.pipeline import Pipeline

# MiB that are free until the disk is filled.
ROOM = 96
# What each of the load's changes writes, in bytes: its WAL, its row, or its record.
CHANGE_BYTES = 2048
# The load goes on until the pipeline has recovered; the disk must not get full again by itself.
LOAD_SECONDS = 600


def room_for(rate: float) -> int:
    """Return the MiB that a load of so many changes per second needs on its disk."""
    return ROOM + int(rate * LOAD_SECONDS * CHANGE_BYTES / MEBIBYTE)


@dataclass
class DiskFull(Fault):
    """A pod's volume is replaced by a small one, which is then filled completely."""

    pod: str = ""
    room: int = ROOM
    """MiB that are free until the disk is filled"""
    needs_node: bool = True

    @property
    def _disk(self) -> SmallDisk:
        return SmallDisk(self.pod, self.room)

    def prepare(self, pipeline: Pipeline) -> None:
        pipeline.log(f"{self.name}: moving the volume of {self.pod} to a small disk")
        self._disk.install(pipeline)

    def inject(self, pipeline: Pipeline) -> None:
        self._disk.fill(pipeline)

    def heal(self, pipeline: Pipeline) -> None:
        self._disk.free(pipeline)

    def restore(self, pipeline: Pipeline) -> None:
        self._disk.remove(pipeline)
