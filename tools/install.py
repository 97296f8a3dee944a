"""Puts programs into the cache, once, and links them into its `bin`."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tools import golang, official, paths, programs
from tools.locking import locked
from tools.progress import Progress


def ensure_pulumi(progress: Progress) -> None:
    """Make `pulumi` available: the user's own with official plugins, or else our own build."""
    with install_lock(progress):
        if own := official.usable_pulumi(progress):
            for program in programs.PULUMI.programs:  # our build must not shadow the user's
                (paths.binaries() / program).unlink(missing_ok=True)
            link("pulumi", own)
        else:
            ensure_part(programs.PULUMI, golang.version(), progress)


def ensure_kubernetes_provider(progress: Progress) -> Path:
    """Build the Kubernetes provider unless the cache has it, and return its plugin."""
    part = programs.KUBERNETES_PROVIDER
    with install_lock(progress):
        return build_part(part, golang.version(), progress) / part.programs[0]


def ensure_linters(progress: Progress) -> None:
    """Make the linters available that are Go programs."""
    with install_lock(progress):
        ensure_part(programs.ACTIONLINT, golang.version(), progress)


def install_lock(progress: Progress) -> AbstractContextManager[None]:
    """Hold the lock under which programs are built and linked."""
    return locked(
        paths.cache() / "toolchain.lock", progress, "another run that builds the toolchain"
    )


def ensure_part(part: golang.Part, compiler: str, progress: Progress) -> None:
    """Build a part with the Go compiler of that version unless the cache has it; link it."""
    folder = build_part(part, compiler, progress)
    for program in part.programs:
        link(program, folder / program)


def build_part(part: golang.Part, compiler: str, progress: Progress) -> Path:
    """Build a part with the Go compiler of that version unless the cache has it.

    Returns its folder.
    """
    folder = paths.cache() / "toolchain" / f"{part.name}-{part.key(compiler)}"

    def build(target: Path) -> None:
        progress(f"building {part.name} (once; log: {paths.cache()}/log/build-{part.name}.log)")
        part.make(target, progress)

    create_once(folder, build)
    return folder


def create_once(folder: Path, create: Callable[[Path], None]) -> None:
    """Fill a folder next to `folder` and rename it, so that an unfinished one is never used."""
    if folder.is_dir():
        return
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    create(unfinished)
    unfinished.rename(folder)


def link(name: str, target: Path) -> None:
    """Link `name` in the cache's `bin` to a program."""
    binaries = paths.binaries()
    binaries.mkdir(parents=True, exist_ok=True)
    existing = binaries / name
    if existing.is_symlink() and existing.readlink() == target:
        return
    fresh = binaries / f".{name}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(existing)
