"""The deployed sandbox stack, and copies of its files that a test may change."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from review.preview import PROGRAM
from tests.engine.exclusive_aws import exclusive_aws
from tests.engine.pulumi_project import PROJECT, STACK, ChangedStackFile, Project


@pytest.fixture(scope="session")
def project() -> Project:
    """The sandbox stack. `make test` deploys it before pytest starts."""
    if "PULUMI_BACKEND_URL" not in os.environ:
        pytest.fail('not in the sandbox\'s environment; run `make test`, or eval "$(make env)"')
    return Project(PROJECT, STACK, os.environ)


@pytest.fixture
def changed_stack_file(tmp_path: Path) -> ChangedStackFile:
    """Writes a copy of the sandbox's stack file with some keys replaced; returns its path."""

    def write(changes: Mapping[str, Any]) -> str:
        document = yaml.safe_load((PROJECT / f"Pulumi.{STACK}.yaml").read_text())
        for key, value in changes.items():
            name = f"datapipe:{key}"
            old = document["config"].get(name)
            both = isinstance(old, dict) and isinstance(value, dict)
            document["config"][name] = {**old, **value} if both else value
        path = tmp_path / f"Pulumi.{STACK}.yaml"
        path.write_text(yaml.safe_dump(document))
        return str(path)

    return write


@pytest.fixture
def copied_project(tmp_path: Path) -> Path:
    """The project with stack files of its own, so that a command may write to them."""
    folder = tmp_path / "project"
    folder.mkdir()
    for entry in PROJECT.iterdir():
        if entry.name.startswith("Pulumi."):
            shutil.copy(entry, folder)
        elif entry.name in {*PROGRAM, "policies"} - {"Pulumi.yaml"}:
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def layers(project: Project, tmp_path: Path) -> Iterator[Project]:
    """The small project of tests/engine/layers with a state of its own; destroyed in any case."""
    with exclusive_aws():
        yield from _layers(project, tmp_path)


def _layers(project: Project, tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "layers"
    folder.mkdir()
    shutil.copy(PROJECT / "tests/engine/layers/Pulumi.yaml", folder)
    (folder / "__main__.py").symlink_to(PROJECT / "tests/engine/layers/__main__.py")
    environment = {
        **project.environment,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}?metadata=skip",  # as in sandbox/environment.py
        "PYTHONPATH": str(PROJECT),
    }
    layers = Project(folder, "life", environment)
    layers.pulumi("stack", "init")
    layers.pulumi("config", "set", "days", "30")
    yield layers
    layers.pulumi("destroy", "--yes", "--skip-preview", check=False)
