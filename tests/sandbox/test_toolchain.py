"""A part of the toolchain is built once for what it is made from, and never seen half made."""

import shutil
from pathlib import Path

import pytest

from sandbox.toolchain import golang, install, official, parts

GO = "go1.26 linux amd64"
PARTS = (*parts.NODE_PARTS, parts.PULUMI, parts.ACTIONLINT)


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Go modules that a test may change."""
    copy = tmp_path / "modules"
    shutil.copytree(golang._MODULES, copy)
    monkeypatch.setattr(golang, "_MODULES", copy)
    return copy


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_same_inputs_give_the_same_key(part: golang.Part) -> None:
    assert part.key(GO) == part.key(GO)


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "cmd/kube/main.go"])
def test_every_input_file_changes_the_key(modules: Path, file: str) -> None:
    before = parts.KUBERNETES.key(GO)
    with (modules / "kubernetes" / file).open("a") as opened:
        opened.write("// changed\n")
    assert parts.KUBERNETES.key(GO) != before


def test_the_compiler_changes_the_key() -> None:
    assert parts.PAUSE.key(GO) != parts.PAUSE.key("go1.27 linux amd64")


def test_another_modules_files_leave_the_key_alone(modules: Path) -> None:
    before = parts.COREDNS.key(GO)
    (modules / "pause" / "main.go").write_text("package main\n")
    assert parts.COREDNS.key(GO) == before


def test_every_module_pins_its_checksums() -> None:
    for part in PARTS:
        for build in part.builds:
            required = "require" in (build.folder / "go.mod").read_text()
            assert (build.folder / "go.sum").exists() is required, build.module


def test_kubernetes_comes_in_the_version_that_it_is_stamped_with() -> None:
    go_mod = (parts.KUBERNETES.builds[0].folder / "go.mod").read_text()
    assert f"k8s.io/kubernetes {parts.KUBERNETES_VERSION}\n" in go_mod


def test_what_failed_half_way_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "part-key"

    def fail(target: Path) -> None:
        (target / "program").write_text("half")
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        install._create_once(folder, fail)
    assert not folder.exists()
    install._create_once(folder, lambda target: (target / "program").write_text("whole") and None)
    assert (folder / "program").read_text() == "whole"
    install._create_once(folder, fail)  # is there: not made again


def test_a_link_follows_a_new_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAPIPE_CACHE", str(tmp_path))
    for version in ("1", "2", "2"):
        install._link("tool", tmp_path / version)
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
