"""Removing every trace of a sandbox, whatever state it is in. Every step may find nothing to do."""

import ctypes
import json
import os
import shutil
import signal
from pathlib import Path

from sandbox import paths
from sandbox.node import cgroups, configuration, network
from sandbox.node.files import write_private
from tools.errors import UserError

# Folders that containerd and the kubelet use despite their configuration. Those that the machine
# did not have before are removed with all they hold; of the others only what is recognisably ours.
_SHARED_FOLDERS = (
    Path("/run/containerd"),
    Path("/var/lib/cni"),
    Path("/var/lib/kubelet"),
    Path("/var/log/containers"),
)
_FOLDERS_BEFORE = paths.STATE / "folders-before.json"
_SHIM_SOCKETS = Path("/run/containerd/s")
_CNI_RESULTS = Path("/var/lib/cni/results")
_CONTAINER_LOGS = Path("/var/log/containers")
_MNT_DETACH = 2


def remember_folders() -> None:
    """Note which of the shared folders the machine already has, before anything is started."""
    if not _FOLDERS_BEFORE.exists():
        before = [str(folder) for folder in _SHARED_FOLDERS if folder.exists()]
        write_private(_FOLDERS_BEFORE, json.dumps(before))


def remove_everything() -> None:
    """Kill, unmount and delete all of the sandbox. Raises UserError when something resists."""
    cgroups.kill_all()
    kill_plugins()
    _unmount()
    network.remove()
    _clean_shared_folders()
    cgroups.remove()
    for folder in (paths.RUN, paths.STATE):
        if folder.exists():
            shutil.rmtree(folder)


def kill_plugins() -> None:
    """Kill the provider plugins that an engine left behind when it was killed itself."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            program = os.fsdecode((process / "cmdline").read_bytes().partition(b"\0")[0])
            if Path(program).is_relative_to(paths.PULUMI_HOME):
                os.kill(int(process.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile


def mounts_below(mountinfo: str, folders: tuple[Path, ...]) -> list[Path]:
    """Return the mount points below `folders`, the innermost first, from /proc/self/mountinfo."""
    points = [Path(_unescape(line.split()[4])) for line in mountinfo.splitlines()]
    return [
        point for point in reversed(points) if any(point.is_relative_to(each) for each in folders)
    ]


def _unmount() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mounts_below(Path("/proc/self/mountinfo").read_text(), (paths.STATE, paths.RUN)):
        if libc.umount2(os.fsencode(point), _MNT_DETACH) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise UserError(f"{point} can't be unmounted ({reason}); run `umount -l {point}`")


def _unescape(mount_point: str) -> str:
    # mountinfo writes blanks and backslashes as octal numbers.
    return mount_point.encode().decode("unicode_escape")


def _clean_shared_folders() -> None:
    before = json.loads(_FOLDERS_BEFORE.read_text()) if _FOLDERS_BEFORE.exists() else None
    for folder in _SHARED_FOLDERS:
        if before is not None and str(folder) not in before and folder.exists():
            shutil.rmtree(folder)
    for leftover in (*_dead_shim_sockets(), *_cni_results(), *_dangling_container_logs()):
        leftover.unlink()


def _dead_shim_sockets() -> list[Path]:
    listening = Path("/proc/net/unix").read_text()
    found = _SHIM_SOCKETS.iterdir() if _SHIM_SOCKETS.is_dir() else ()
    return [socket for socket in found if str(socket) not in listening]


def _cni_results() -> list[Path]:
    return list(_CNI_RESULTS.glob(f"{configuration.NETWORK_NAME}-*"))


def _dangling_container_logs() -> list[Path]:
    found = _CONTAINER_LOGS.iterdir() if _CONTAINER_LOGS.is_dir() else ()
    ours = configuration.POD_LOGS
    return [link for link in found if link.is_symlink() and link.readlink().is_relative_to(ours)]
