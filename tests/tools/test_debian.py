"""Unpacking next to the system: real .deb files, and an apt-get that hands them out."""

import os
import subprocess
from pathlib import Path

import pytest

from tools import debian
from tools.debian import DebianPackageError


@pytest.fixture
def archive_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of .deb files that the only apt-get on PATH downloads from."""
    offered = tmp_path / "offered"
    offered.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    apt_get = programs / "apt-get"
    apt_get.write_text(
        "#!/bin/sh\n"
        'while [ "$1" = -o ]; do shift 2; done\n'
        "command=$1; shift\n"
        f'echo "$command" "$@" >> {tmp_path}/calls\n'
        'if [ "$command" = update ]; then echo "E: third party unreachable" >&2; exit 100; fi\n'
        'for name in "$@"; do\n'
        f'  cp {offered}/"$name"_*.deb . || {{ echo "E: Unable to locate $name" >&2; exit 100; }}\n'
        "done\n"
    )
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return offered


def offer(offered: Path, name: str, version: str) -> None:
    tree = offered / f"{name}-tree"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (tree / "usr/bin").mkdir(parents=True, exist_ok=True)
    (tree / "usr/bin" / name).write_text(version)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: nobody <nobody@localhost>\nDescription: for a test\n"
    )
    for old in offered.glob(f"{name}_*.deb"):
        old.unlink()
    target = offered / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(target)], check=True, capture_output=True)


def test_unpacks_and_records_versions_though_another_source_is_unreachable(
    archive_of_packages: Path, tmp_path: Path
) -> None:
    offer(archive_of_packages, "alpha", "1.2")
    offer(archive_of_packages, "beta", "3")

    debian.unpack(["beta", "alpha"], tmp_path / "into")

    assert (tmp_path / "into/usr/bin/alpha").read_text() == "1.2"
    assert debian.unpacked_versions(tmp_path / "into") == {"alpha": "1.2", "beta": "3"}


def test_what_is_unpacked_is_kept_until_other_packages_are_wanted(
    archive_of_packages: Path, tmp_path: Path
) -> None:
    offer(archive_of_packages, "alpha", "1")
    debian.unpack(["alpha"], tmp_path / "into")
    offer(archive_of_packages, "alpha", "2")
    calls = (tmp_path / "calls").read_text()

    debian.unpack(["alpha"], tmp_path / "into")

    assert (tmp_path / "into/usr/bin/alpha").read_text() == "1"
    assert (tmp_path / "calls").read_text() == calls

    offer(archive_of_packages, "beta", "1")
    debian.unpack(["beta"], tmp_path / "into")

    assert not (tmp_path / "into/usr/bin/alpha").exists()
    assert debian.unpacked_versions(tmp_path / "into") == {"beta": "1"}


def test_a_missing_package_is_told_with_apts_words_and_leaves_nothing(
    archive_of_packages: Path, tmp_path: Path
) -> None:
    into = tmp_path / "folder/into"

    with pytest.raises(DebianPackageError, match="Unable to locate gamma") as failure:
        debian.unpack(["gamma"], into)

    assert "third party unreachable" in str(failure.value)
    assert list(into.parent.iterdir()) == []
