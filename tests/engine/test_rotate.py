"""`make rotate`: another version of the credentials in the stack's file, and the update with it.

The update is tested by tests/e2e/test_rotation.py; here a script in its place says what it finds.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.engine.pulumi_project import PROJECT, Project

pytestmark = pytest.mark.engine

STACK_FILE = "Pulumi.dev.yaml"


@pytest.fixture
def rotating(copied_project: Path, tmp_path: Path) -> Project:
    """A project whose `make up` only prints the version that it finds."""
    for name in ("tools", "requirements.txt"):
        (copied_project / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "scripts", copied_project / "scripts")
    (copied_project / "scripts/up.sh").write_text(
        f'#!/bin/sh\necho "up of $STACK: $(grep -A1 datapipe:security {STACK_FILE} | tail -n 1)"\n'
    )
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "STACK": "dev",
    }
    return Project(copied_project, "dev", environment)


def rotate(project: Project) -> str:
    done = subprocess.run(
        ["bash", "scripts/rotate.sh"],
        cwd=project.folder,
        env=dict(project.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_each_run_raises_the_version_and_deploys_it(rotating: Project) -> None:
    file = rotating.folder / STACK_FILE
    before = yaml.safe_load(file.read_text())["config"]
    comments = [line for line in file.read_text().splitlines() if line.startswith("#")]

    assert rotate(rotating) == "up of dev:     credentialsVersion: 2"
    assert rotate(rotating) == "up of dev:     credentialsVersion: 3"

    after = yaml.safe_load(file.read_text())["config"]
    assert after == {**before, "datapipe:security": {"credentialsVersion": 3}}
    assert [line for line in file.read_text().splitlines() if line.startswith("#")] == comments
