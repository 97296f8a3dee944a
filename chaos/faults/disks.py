"""Disks that are full."""

from dataclasses import dataclass

from chaos.disks import SmallDisk
from chaos.fault import Fault
from chaos.pipeline import Pipeline

# MiB that are free until the disk is filled, for what is written until then.
ROOM = 96


@dataclass
class DiskFull(Fault):
    """A pod's volume is replaced by a small one, which is then filled completely."""

    pod: str = ""
    needs_node: bool = True

    @property
    def _disk(self) -> SmallDisk:
        return SmallDisk(self.pod, ROOM)

    def prepare(self, pipeline: Pipeline) -> None:
        pipeline.log(f"{self.name}: moving the volume of {self.pod} to a small disk")
        self._disk.install(pipeline)

    def inject(self, pipeline: Pipeline) -> None:
        self._disk.fill(pipeline)

    def heal(self, pipeline: Pipeline) -> None:
        self._disk.free(pipeline)

    def restore(self, pipeline: Pipeline) -> None:
        self._disk.remove(pipeline)
