"""Small disks in place of volumes, because a folder on the node's disk cannot be filled.

A pod's volume is a folder of the node. While the pod is stopped, its content moves to a small file
system that is mounted over the folder; the pod then starts on that. Afterwards the content moves
back in the same way. The node is cordoned meanwhile, because the StatefulSet would start the pod
too early.
"""

import errno
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
# To copy the volume of a database under load.
COPY_SECONDS = 600


class SmallDisk:
    """A small disk for the volume of a StatefulSet's pod."""

    def __init__(self, pod: str, room: int) -> None:
        """`room` is the free space in addition to the volume's present content, in MiB."""
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
        """Use all free space; most is only reserved, so that little is written."""
        ballast = self._volume(pipeline) / BALLAST
        with ballast.open("wb", buffering=0) as file:
            _reserve(file.fileno(), os.statvfs(ballast).f_bavail * os.statvfs(ballast).f_frsize)
            file.seek(0, os.SEEK_END)
            block = bytes(MEBIBYTE)
            while len(block) >= 512:
                try:
                    file.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def free(self, pipeline: Pipeline) -> None:
        """Free the space that fill() uses."""
        (self._volume(pipeline) / BALLAST).unlink(missing_ok=True)

    def remove(self, pipeline: Pipeline) -> None:
        """Move the content back to the node's disk, if it is on the small one."""
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
        """Keep the pod away for the block."""
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
        """Return the node's folder behind the pod's claim."""
        claim = pipeline.core.read_namespaced_persistent_volume_claim(
            f"{CLAIM}-{self._pod}", pipeline.namespace
        )
        spec = pipeline.core.read_persistent_volume(claim.spec.volume_name).spec
        source = spec.local or spec.host_path
        if source is None:
            raise FaultError(f"the volume of pod {self._pod} is not a folder of the node")
        return Path(source.path)


def _reserve(file: int, size: int) -> None:
    """Reserve space for a file, or less if there is not so much."""
    while size >= MEBIBYTE:
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            size -= max(MEBIBYTE, size // 16)
        else:
            return


@contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[Path]:
    node.run("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Unmount a volume once the kubelet has released it, shortly after its pod is gone."""

    def done() -> bool:
        with suppress(FaultError):
            node.run("umount", str(folder))
        return not os.path.ismount(folder)

    wait_until(done, RELEASE_SECONDS, f"{folder} to be unmounted")


def _used(folder: Path) -> int:
    """Return the bytes of disk that a folder's files use."""
    return int(node.run("du", "-s", "-B1", str(folder), seconds=COPY_SECONDS).split()[0])


def _copy(source: Path, target: Path) -> None:
    """Replace a folder's content by that of another, including owners and modes."""
    for entry in target.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    node.run("cp", "-a", "--sparse=always", f"{source}/.", str(target), seconds=COPY_SECONDS)


def _cordon(pipeline: Pipeline, closed: bool) -> None:
    pipeline.core.patch_node(node.NODE_NAME, {"spec": {"unschedulable": closed}})
