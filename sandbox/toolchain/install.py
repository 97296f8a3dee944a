"""Puts every part of the toolchain into the cache, once, and links its programs into `bin`."""

import hashlib
import platform
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sandbox import debian, paths
from sandbox.errors import SandboxError
from sandbox.locking import locked
from sandbox.progress import Progress
from sandbox.toolchain import golang, official, parts


def ensure(progress: Progress) -> None:
    """Make the whole toolchain available in the cache's `bin`.

    Builds what is missing and nothing else. Raises SandboxError when something can't be built.
    """
    ensure_node(progress)
    ensure_pulumi(progress)


def ensure_pulumi(progress: Progress) -> None:
    """Make `pulumi` available: the user's own with official plugins, or else a build of ours."""
    with _install_lock(progress):
        if own := official.usable_pulumi(progress):
            for program in parts.PULUMI.programs:  # none of ours may stand in for its own
                (paths.binaries() / program).unlink(missing_ok=True)
            _link("pulumi", own)
        else:
            _ensure_part(parts.PULUMI, golang.version(), progress)


def ensure_node(progress: Progress) -> None:
    """Make the programs of the Kubernetes node available."""
    with _install_lock(progress):
        _ensure_debian_programs(progress)
        compiler = golang.version()
        for part in parts.NODE_PARTS:
            _ensure_part(part, compiler, progress)


def ensure_linters(progress: Progress) -> None:
    """Make the linters available that are Go programs."""
    with _install_lock(progress):
        _ensure_part(parts.ACTIONLINT, golang.version(), progress)


def ensure_packet_filter(progress: Progress) -> None:
    """Make `nft` available, with the other Debian programs: all that taking down needs."""
    with _install_lock(progress):
        _ensure_debian_programs(progress)


def cni_plugins() -> Path:
    """Return the folder of the CNI plugins, which containerd runs by name."""
    return _debian_folder() / parts.CNI_PLUGINS


def _install_lock(progress: Progress) -> AbstractContextManager[None]:
    return locked(
        paths.cache() / "toolchain.lock", progress, "another run that builds the toolchain"
    )


def _ensure_part(part: golang.Part, compiler: str, progress: Progress) -> None:
    folder = paths.cache() / "toolchain" / f"{part.name}-{part.key(compiler)}"

    def build(target: Path) -> None:
        progress(f"building {part.name} (once; log: {paths.cache()}/log/build-{part.name}.log)")
        part.make(target, progress)

    _create_once(folder, build)
    for program in part.programs:
        _link(program, folder / program)


def _ensure_debian_programs(progress: Progress) -> None:
    folder = _debian_folder()

    def unpack(target: Path) -> None:
        progress("unpacking containerd, runc, CNI plugins, etcd and nftables from Debian packages")
        try:
            debian.unpack(parts.DEBIAN_PACKAGES, target)
        except debian.DebianPackageError as error:
            raise SandboxError(str(error)) from error
        for program in parts.DEBIAN_PROGRAMS_WITH_LIBRARIES:
            _wrap(target / program, target, folder)

    _create_once(folder, unpack)
    for program in (*parts.DEBIAN_PROGRAMS, *parts.DEBIAN_PROGRAMS_WITH_LIBRARIES):
        _link(Path(program).name, folder / program)


def _debian_folder() -> Path:
    release = platform.freedesktop_os_release()
    recipe = [
        release.get("ID", ""),
        release.get("VERSION_ID", ""),
        platform.machine(),
        *parts.DEBIAN_PACKAGES,
        *parts.DEBIAN_PROGRAMS_WITH_LIBRARIES,
    ]
    key = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]
    return paths.cache() / "toolchain" / f"debian-{key}"


def _wrap(program: Path, root: Path, final_root: Path) -> None:
    """Replace a program by a script that runs it with the libraries unpacked beside it."""
    moved = program.with_name(f"{program.name}.bin")
    program.rename(moved)
    libraries = sorted({library.parent for library in root.glob("**/lib/**/*.so.*")})
    search = ":".join(str(final_root / folder.relative_to(root)) for folder in libraries)
    final = final_root / moved.relative_to(root)
    program.write_text(f'#!/bin/sh\nexec env LD_LIBRARY_PATH="{search}" "{final}" "$@"\n')
    program.chmod(0o755)


def _create_once(folder: Path, create: Callable[[Path], None]) -> None:
    """Fill a folder beside `folder` and rename it, so that a half-made one is never taken."""
    if folder.is_dir():
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    create(unfinished)
    unfinished.rename(folder)


def _link(name: str, target: Path) -> None:
    binaries = paths.binaries()
    binaries.mkdir(parents=True, exist_ok=True)
    link = binaries / name
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = binaries / f".{name}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
