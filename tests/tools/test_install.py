"""A program is built once for what it is made from, and never used half made."""

from pathlib import Path

import pytest

from tools import install, official


def test_what_failed_half_way_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "part-key"

    def fail(target: Path) -> None:
        (target / "program").write_text("half")
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        install.create_once(folder, fail)
    assert not folder.exists()

    def create(target: Path) -> None:
        (target / "program").write_text("whole")

    install.create_once(folder, create)
    assert (folder / "program").read_text() == "whole"
    install.create_once(folder, fail)  # is there: not made again


def test_a_link_follows_a_new_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAPIPE_CACHE", str(tmp_path))
    for version in ("1", "2", "2"):
        install.link("tool", tmp_path / version)
        assert (tmp_path / "bin/tool").readlink() == tmp_path / version


def _fake_pulumi(folder: Path, version: str, plugin_exit_code: int) -> Path:
    folder.mkdir()
    calls = folder / "calls"
    program = folder / "pulumi"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then echo {version}; exit; fi\n'
        f'echo "$@" >>{calls}\nexit {plugin_exit_code}\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "plugin_exit_code", "usable"),
    [("v3.210.0", 0, True), ("v3.199.0", 0, False), ("v3.210.0", 1, False)],
)
def test_the_users_pulumi_is_used_only_with_official_plugins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    plugin_exit_code: int,
    usable: bool,
) -> None:
    monkeypatch.setenv("DATAPIPE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    program = _fake_pulumi(tmp_path / "bin", version, plugin_exit_code)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    chosen = official.usable_pulumi(lambda _: None)
    assert chosen == (program if usable else None)
    calls = tmp_path / "bin/calls"
    asked = calls.read_text() if calls.exists() else ""
    assert official.usable_pulumi(lambda _: None) == chosen
    assert (calls.read_text() if calls.exists() else "") == asked, "the answer is kept"
