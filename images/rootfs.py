"""Debian root file systems, made by mmdebstrap from its default mirror."""

import os
from pathlib import Path

from images.model import DebianRoot
from tools.progress import Progress, run_logged

SUITE = "bookworm"

# Nobody reads manuals in a container; licences stay.
_NOT_IN_CONTAINERS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/i18n/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
)

# What the build leaves: links to manuals that are not there, and this machine's own names.
_NOT_OF_THE_IMAGE = ("usr/share/man", "etc/hostname", "etc/resolv.conf")

_DPKG_OPTIONS = (
    # Files laid down before the packages stay, no question is asked.
    "force-confold",
    # No fsync per file: what a crash leaves half written is thrown away and built again.
    "force-unsafe-io",
)


def make_root(root: DebianRoot, tar: Path, tools: Path, log: Path, progress: Progress) -> None:
    """Write the root file system to `tar`.

    `tools` is the folder into which mmdebstrap and debian-archive-keyring were unpacked. Needs
    root (chroot, owners of files). Raises UserError when a package can't be had or installed.
    """
    before = tar.with_suffix(".before")
    _lay_down_before_packages(root, before)
    dpkg_options = (
        *_DPKG_OPTIONS,
        *_NOT_IN_CONTAINERS,
        *(f"path-exclude={path}" for path in root.excluded_paths),
    )
    user = root.user
    passwd = f"{user.name}:x:{user.uid}:{user.uid}::{user.home}:/bin/sh"
    group = f"{user.name}:x:{user.uid}:"
    command = [
        *("perl", str(tools / "usr/bin/mmdebstrap")),
        *("--mode=root", "--format=tar", "--variant=essential"),
        f"--keyring={tools / 'usr/share/keyrings'}",
        "--aptopt=Acquire::Retries 3",
        f"--include={','.join(root.packages)}",
        *(f"--dpkgopt={option}" for option in dpkg_options),
        f'--essential-hook=echo "{passwd}" >> "$1/etc/passwd"',
        f'--essential-hook=echo "{group}" >> "$1/etc/group"',
        f'--essential-hook=cp -rT "{before}" "$1"',
        f'--customize-hook=cd "$1" && rm -rf {" ".join(_NOT_OF_THE_IMAGE)}',
        SUITE,
        str(tar),
    ]
    # mmdebstrap calls a program of its own package by name.
    path = f"{tools / 'usr/bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "TMPDIR": str(tar.parent)}
    what = f"Debian root file system with {', '.join(root.packages)}"
    run_logged(command, what=what, log=log, progress=progress, env=env)


def _lay_down_before_packages(root: DebianRoot, folder: Path) -> None:
    # OpenJDK's installation links its manual there, excluded or not, and fails without the folder.
    (folder / "usr/share/man/man1").mkdir(parents=True)
    for path, text in root.files.items():
        target = folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
