"""Puts the node's programs into the cache, once, and links them into its `bin`."""

import hashlib
import platform
from pathlib import Path

from sandbox.toolchain import programs
from tools import debian, golang, paths
from tools.errors import UserError
from tools.install import create_once, ensure_part, install_lock, link
from tools.progress import Progress


def ensure_node(progress: Progress) -> None:
    """Make the programs of the Kubernetes node available."""
    with install_lock(progress):
        _ensure_debian_programs(progress)
        compiler = golang.version()
        for part in programs.PARTS:
            ensure_part(part, compiler, progress)


def ensure_packet_filter(progress: Progress) -> None:
    """Make `nft` available, with the other Debian programs: all that taking down needs."""
    with install_lock(progress):
        _ensure_debian_programs(progress)


def cni_plugins() -> Path:
    """Return the folder of the CNI plugins, which containerd runs by name."""
    return _debian_folder() / programs.CNI_PLUGINS


def _ensure_debian_programs(progress: Progress) -> None:
    folder = _debian_folder()

    def unpack(target: Path) -> None:
        progress("unpacking containerd, runc, CNI plugins, etcd and nftables from Debian packages")
        try:
            debian.unpack(programs.DEBIAN_PACKAGES, target)
        except debian.DebianPackageError as error:
            raise UserError(str(error)) from error
        for program in programs.DEBIAN_PROGRAMS_WITH_LIBRARIES:
            _wrap(target / program, target, folder)

    create_once(folder, unpack)
    for program in (*programs.DEBIAN_PROGRAMS, *programs.DEBIAN_PROGRAMS_WITH_LIBRARIES):
        link(Path(program).name, folder / program)


def _debian_folder() -> Path:
    release = platform.freedesktop_os_release()
    recipe = [
        release.get("ID", ""),
        release.get("VERSION_ID", ""),
        platform.machine(),
        *programs.DEBIAN_PACKAGES,
        *programs.DEBIAN_PROGRAMS_WITH_LIBRARIES,
    ]
    key = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]
    return paths.cache() / "toolchain" / f"debian-{key}"


def _wrap(program: Path, root: Path, final_root: Path) -> None:
    """Replace a program by a script that runs it with the libraries unpacked next to it."""
    moved = program.with_name(f"{program.name}.bin")
    program.rename(moved)
    libraries = sorted({library.parent for library in root.glob("**/lib/**/*.so.*")})
    search = ":".join(str(final_root / folder.relative_to(root)) for folder in libraries)
    final = final_root / moved.relative_to(root)
    program.write_text(f'#!/bin/sh\nexec env LD_LIBRARY_PATH="{search}" "{final}" "$@"\n')
    program.chmod(0o755)
