"""A part of the toolchain is built once for what it is made from, and never seen half made."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.toolchain import programs
from tools import golang
from tools.programs import ACTIONLINT, PULUMI

GO = "go1.26 linux amd64"
PARTS = (*programs.PARTS, PULUMI, ACTIONLINT)


def copied(part: golang.Part, folder: Path) -> golang.Part:
    """Return a part whose modules are copies that a test may change."""
    builds = [
        replace(build, folder=shutil.copytree(build.folder, folder / build.folder.name))
        for build in part.builds
    ]
    return replace(part, builds=tuple(builds))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_same_inputs_give_the_same_key(part: golang.Part) -> None:
    assert part.key(GO) == part.key(GO)


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "cmd/kube/main.go"])
def test_every_input_file_changes_the_key(tmp_path: Path, file: str) -> None:
    kubernetes = copied(programs.KUBERNETES, tmp_path)
    before = kubernetes.key(GO)
    with (tmp_path / "kubernetes" / file).open("a") as opened:
        opened.write("// changed\n")
    assert kubernetes.key(GO) != before


def test_the_compiler_changes_the_key() -> None:
    assert programs.PAUSE.key(GO) != programs.PAUSE.key("go1.27 linux amd64")


def test_the_modules_place_does_not_change_the_key(tmp_path: Path) -> None:
    assert copied(PULUMI, tmp_path).key(GO) == PULUMI.key(GO)


def test_every_module_pins_its_checksums() -> None:
    for part in PARTS:
        for build in part.builds:
            required = "require" in (build.folder / "go.mod").read_text()
            assert (build.folder / "go.sum").exists() is required, build.folder


def test_kubernetes_comes_in_the_version_that_it_is_stamped_with() -> None:
    go_mod = (programs.KUBERNETES.builds[0].folder / "go.mod").read_text()
    assert f"k8s.io/kubernetes {programs.KUBERNETES_VERSION}\n" in go_mod
