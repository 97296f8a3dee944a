"""A Pulumi project driven by the real CLI, as a user would."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
STACK = "sandbox"
# Returns the path of a copy of the stack file with changed keys.
ChangedStackFile = Callable[[Mapping[str, Any]], str]


def policies(stack: str) -> tuple[str, ...]:
    """Return the arguments with which a stack's preview is judged by the pack."""
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
        """Return the operations of a `preview --json` by "type name", without unchanged ones."""
        document = json.loads(self.output[self.output.index("{\n") :])
        return {
            _type_and_name(step["urn"]): step["op"]
            for step in document["steps"]
            if step["op"] not in {"same", "read"}
        }


def _type_and_name(urn: str) -> str:
    """For example "kubernetes:apps/v1:StatefulSet kafka", of a resource's URN."""
    *_, types, name = urn.split("::")
    return f"{types.rpartition('$')[2]} {name}"


@dataclass(frozen=True)
class Project:
    """A Pulumi project folder and the environment of its commands."""

    folder: Path
    stack: str
    environment: Mapping[str, str]

    @classmethod
    def with_own_state(cls, folder: Path, stack: str, **variables: str) -> "Project":
        """Return a project whose new stack and settings of Pulumi are in its folder."""
        environment = {
            **os.environ,
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(PROJECT),
            **variables,
        }
        project = cls(folder, stack, environment)
        project.pulumi("stack", "init")
        return project

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
        """Return the resources in the stack's state."""
        state = json.loads(self.pulumi("stack", "export").output)
        resources: list[dict[str, Any]] = state["deployment"].get("resources", [])
        return resources
