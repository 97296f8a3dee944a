"""Small disks in the place of volumes: a folder on the node's disk has no end that can be reached.

A pod's volume is a folder of the node. While the pod is stopped, its content moves to a small file
system of its own that is mounted over the folder; the pod then starts on that. Afterwards the same
way back. The node is cordoned meanwhile, or the StatefulSet would start the pod too early.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chaos import node
from chaos.pipeline import FaultError, Pipeline, wait_until

MEBIBYTE = 1024 * 1024
BALLAST = "chaos-ballast"
CLAIM = "data"
RELEASE_SECONDS = 30


class SmallDisk:
    """The volume of a StatefulSet's pod on a disk with little room."""

    def __init__(self, pod: str, room: int) -> None:
        """`room` is what is free beside the volume's present content, in MiB."""
        self._pod, self._room = pod, room
        self._image = node.FOLDER / f"{pod}.img"

    def install(self, pipeline: Pipeline) -> None:
        """Move the volume's content to the small disk; the pod is restarted."""
        volume = self._volume(pipeline)
        with self._stopped(pipeline):
            node.FOLDER.mkdir(mode=0o700, exist_ok=True)
            size = _used(volume) + (self._room + 16) * MEBIBYTE  # 16: the file system's own
            with self._image.open("wb") as image:
                image.truncate(size)
            node.run("mkfs.ext4", "-q", "-m", "0", "-F", str(self._image))
            with _mounted(self._image, self._scratch()) as disk:
                _copy(volume, disk)
            node.run("mount", "-o", "loop", str(self._image), str(volume))
        pipeline.wait_for_pod(self._pod)

    def fill(self, pipeline: Pipeline) -> None:
        """Use up all that is free."""
        ballast = self._volume(pipeline) / BALLAST
        with ballast.open("wb", buffering=0) as file:
            block = bytes(MEBIBYTE)
            while len(block) >= 512:
                try:
                    file.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def free(self, pipeline: Pipeline) -> None:
        """Give the room back."""
        (self._volume(pipeline) / BALLAST).unlink(missing_ok=True)

    def remove(self, pipeline: Pipeline) -> None:
        """Move the content back to the folder on the node's disk, if it is on the small one."""
        volume = self._volume(pipeline)
        if os.path.ismount(volume):
            with self._stopped(pipeline):
                _unmount(volume)
                with _mounted(self._image, self._scratch()) as disk:
                    _copy(disk, volume)
            pipeline.wait_for_pod(self._pod)
        shutil.rmtree(node.FOLDER, ignore_errors=True)

    @contextmanager
    def _stopped(self, pipeline: Pipeline) -> Iterator[None]:
        """The pod is gone and stays away."""
        _cordon(pipeline, True)
        try:
            pipeline.delete_pod(self._pod)
            yield
        finally:
            _cordon(pipeline, False)

    def _scratch(self) -> Path:
        folder = node.FOLDER / "mnt"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _volume(self, pipeline: Pipeline) -> Path:
        """The node's folder behind the pod's claim."""
        claim = pipeline.core.read_namespaced_persistent_volume_claim(
            f"{CLAIM}-{self._pod}", pipeline.namespace
        )
        spec = pipeline.core.read_persistent_volume(claim.spec.volume_name).spec
        source = spec.local or spec.host_path
        if source is None:
            raise FaultError(f"the volume of pod {self._pod} is no folder of the node")
        return Path(source.path)


@contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[Path]:
    node.run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """A volume is in use until the kubelet has let go of it, shortly after its pod is gone."""

    def done() -> bool:
        with suppress(FaultError):
            node.run("umount", str(folder))
        return not os.path.ismount(folder)

    wait_until(done, RELEASE_SECONDS, f"{folder} to be free")


def _used(folder: Path) -> int:
    """Bytes of disk that the files of a folder take."""
    return int(node.run("du", "-s", "-B1", str(folder)).split()[0])


def _copy(source: Path, target: Path) -> None:
    """Make a folder's content that of another, owners and modes included."""
    for entry in target.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    node.run("cp", "-a", "--sparse=always", f"{source}/.", str(target))


def _cordon(pipeline: Pipeline, closed: bool) -> None:
    pipeline.core.patch_node(node.NODE_NAME, {"spec": {"unschedulable": closed}})
