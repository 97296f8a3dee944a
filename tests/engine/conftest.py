"""The deployed sandbox stack, driven by the real Pulumi CLI, as a user would."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
STACK = "sandbox"


def policies(stack: str) -> tuple[str, ...]:
    """The arguments with which a stack's preview is judged by the pack."""
    return (
        "--policy-pack",
        "policies",
        "--policy-pack-config",
        f"policies/configuration/{stack}.json",
    )


@dataclass(frozen=True)
class Run:
    """A finished pulumi command."""

    code: int
    output: str
    """standard output and error together, as a user sees them"""

    def steps(self) -> dict[str, str]:
        """What a `preview --json` would do: operation by resource name, unchanged ones left out."""
        document = json.loads(self.output[self.output.index("{\n") :])
        return {
            step["urn"].split("::")[-1]: step["op"]
            for step in document["steps"]
            if step["op"] not in {"same", "read"}
        }


@dataclass(frozen=True)
class Project:
    """A Pulumi project folder and the environment of its commands."""

    folder: Path
    stack: str
    environment: Mapping[str, str]

    def pulumi(self, *arguments: str, check: bool = True, timeout: int = 900) -> Run:
        """Run the CLI. Raises AssertionError where it fails and check is set."""
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        run = Run(done.returncode, done.stdout)
        assert not check or run.code == 0, run.output
        return run

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state."""
        state = json.loads(self.pulumi("stack", "export").output)
        resources: list[dict[str, Any]] = state["deployment"].get("resources", [])
        return resources


@pytest.fixture(scope="session")
def project() -> Project:
    """The sandbox stack. `make test` deploys it before pytest starts."""
    if "PULUMI_BACKEND_URL" not in os.environ:
        pytest.fail('not in the sandbox\'s environment; run `make test`, or eval "$(make env)"')
    return Project(PROJECT, STACK, os.environ)


@pytest.fixture
def changed_stack_file(tmp_path: Path) -> Any:
    """Writes a copy of the sandbox's stack file with some keys replaced; returns its path."""

    def write(changes: Mapping[str, Mapping[str, Any] | Any]) -> str:
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
        elif entry.name in {"__main__.py", "components", "policies"}:
            (folder / entry.name).symlink_to(entry)
    return folder
