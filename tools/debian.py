"""Debian packages unpacked into our own folder, leaving the machine's own packages alone.

`apt-get download` with private lists and `dpkg -x`: nothing is installed, no maintainer script
runs, and dependencies are not followed. Name the libraries that a program needs in addition.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import UserError

# What was unpacked: one line `package version` each, in the order of the names.
VERSIONS_FILE = ".debian-packages"

# A machine may list third-party sources that it can't reach; they cost this long, not minutes.
_SOURCE_TIMEOUT_SECONDS = 10
_DOWNLOAD_TIMEOUT_SECONDS = 600


class DebianPackageError(UserError):
    """A package could not be found, downloaded or unpacked."""


def unpack(packages: Sequence[str], into: Path) -> None:
    """Unpack the newest versions of `packages` that the machine's sources offer into `into`.

    A folder that already holds exactly these packages is kept as it is; otherwise it is replaced
    in one step, so that it is never seen half full. Raises DebianPackageError when a package
    can't be had; the reachability of sources that don't hold them does not matter.
    """
    if set(unpacked_versions(into)) == set(packages):
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name}-", dir=into.parent) as scratch_name:
        scratch = Path(scratch_name)
        archives = _download(packages, scratch)
        root = scratch / "root"
        for archive in archives:
            _run(["dpkg", "-x", str(archive), str(root)], cwd=scratch)
        versions = dict(_name_and_version(archive) for archive in archives)
        lines = [f"{name} {version}\n" for name, version in sorted(versions.items())]
        (root / VERSIONS_FILE).write_text("".join(lines))
        if into.exists():
            shutil.rmtree(into)
        root.chmod(0o755)
        root.rename(into)


def unpacked_versions(folder: Path) -> Mapping[str, str]:
    """Return package name to version of what `unpack` put into `folder`; empty if nothing."""
    record = folder / VERSIONS_FILE
    if not record.is_file():
        return {}
    return dict(line.split(" ", 1) for line in record.read_text().splitlines())


def _download(packages: Sequence[str], scratch: Path) -> list[Path]:
    lists, cache, archives = scratch / "lists", scratch / "cache", scratch / "archives"
    for folder in (lists / "partial", cache / "archives/partial", archives):
        folder.mkdir(parents=True)
    apt_get = [
        "apt-get",
        *("-o", f"Dir::State::Lists={lists}"),
        *("-o", f"Dir::Cache={cache}"),
        *("-o", "APT::Sandbox::User=root"),
        *("-o", "Acquire::Retries=1"),
        *("-o", f"Acquire::http::Timeout={_SOURCE_TIMEOUT_SECONDS}"),
        *("-o", f"Acquire::https::Timeout={_SOURCE_TIMEOUT_SECONDS}"),
        *("-o", "Acquire::Languages=none"),
    ]
    # A source that can't be reached is apt's error and not ours, as long as the packages are found.
    update = _apt([*apt_get, "update"], cwd=scratch)
    download = _apt([*apt_get, "download", *packages], cwd=archives)
    if download.returncode != 0:
        raise DebianPackageError(
            f"apt-get could not download {', '.join(packages)}.\n"
            f"apt-get update said: {_last_lines(update.stderr) or 'nothing'}\n"
            f"apt-get download said: {_last_lines(download.stderr)}\n"
            "Check that /etc/apt/sources.list* names a Debian or Ubuntu mirror that this machine "
            "reaches and that `apt-get update` works."
        )
    return sorted(archives.glob("*.deb"))


def _name_and_version(archive: Path) -> tuple[str, str]:
    shown = _run(
        ["dpkg-deb", "--show", "--showformat=${Package} ${Version}", str(archive)],
        cwd=archive.parent,
    )
    name, version = shown.split(" ", 1)
    return name, version


def _apt(command: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOWNLOAD_TIMEOUT_SECONDS,
        )
    except FileNotFoundError as missing:
        raise DebianPackageError(
            "apt-get is not there: the embedded sandbox needs a Debian or Ubuntu machine."
        ) from missing


def _run(command: Sequence[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DebianPackageError(f"{' '.join(command)} failed: {_last_lines(done.stderr)}")
    return done.stdout


def _last_lines(text: str, count: int = 5) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
