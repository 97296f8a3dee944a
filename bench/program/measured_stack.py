"""A stack in a folder of its own, without a cluster or a cloud, whose commands are measured."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.program.result import Cost
from clients.stack import PROJECT, StackError
from provider_plugins import echo

STACK = "bench"
YARDSTICK = PROJECT / "bench/program/yardstick"
POLICIES = (
    "--policy-pack",
    "policies",
    "--policy-pack-config",
    "policies/configuration/sandbox.json",
)


class MeasuredStack:
    """A program with a state of its own."""

    def __init__(self, folder: Path) -> None:
        """`folder` has the program's in its folder `project`."""
        self._project, self._state = folder / "project", folder / "state"
        echo.prepare(folder)
        programs = folder / "bin"
        programs.mkdir()
        _install_dynamic_host(programs)
        self._environment = {
            **os.environ,
            **echo.variables(folder),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self._state}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            # A first command compiles what it imports, and the next ones find it here.
            "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    @classmethod
    def of_program(cls, folder: Path, stack_file: str) -> MeasuredStack:
        """Return a new stack of the pipeline's program with this stack file."""
        project = folder / "project"
        project.mkdir(parents=True)
        for entry in PROJECT.iterdir():
            if not entry.name.startswith((".", "Pulumi.")):
                (project / entry.name).symlink_to(entry)
        (project / "Pulumi.yaml").symlink_to(PROJECT / "Pulumi.yaml")
        (project / f"Pulumi.{STACK}.yaml").write_text(stack_file)
        return cls._created(folder)

    @classmethod
    def of_empty_resources(cls, folder: Path, tree: str) -> MeasuredStack:
        """Return a new stack of the yardstick with the resources of this tree.json."""
        project = folder / "project"
        project.mkdir(parents=True)
        for entry in (*YARDSTICK.iterdir(), PROJECT / "policies"):
            (project / entry.name).symlink_to(entry)
        (project / "tree.json").write_text(tree)
        return cls._created(folder)

    @classmethod
    def _created(cls, folder: Path) -> MeasuredStack:
        created = cls(folder)
        created.run("stack", "init", STACK)
        return created

    def preview(self, *, policies: bool) -> Cost:
        """Return what a preview takes, with the policy pack or without."""
        return self.run("preview", "--stack", STACK, *(POLICIES if policies else ()))

    def up(self, *, at_once: bool = False) -> Cost:
        """Return what deploying it takes. `at_once`: the state is written once, at the end."""
        written = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
        variables = written if at_once else {}
        return self.run("up", "--yes", "--skip-preview", "--stack", STACK, **variables)

    def run(self, *arguments: str, **variables: str) -> Cost:
        """Run a command of Pulumi. Raises StackError with its output where it fails."""
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        before, began = _cpu_of_children(), time.monotonic()
        done = subprocess.run(
            command,
            cwd=self._project,
            env={**self._environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode:
            raise StackError(f"{shlex.join(command)} failed:\n{done.stdout}")
        return Cost(seconds=seconds, cpu=_cpu_of_children() - before)

    @property
    def state_file(self) -> Path:
        """The file in which the engine keeps the stack."""
        return self._state / f".pulumi/stacks/datapipe/{STACK}.json"

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the stack's state."""
        state = json.loads(self.state_file.read_text())
        found: list[dict[str, Any]] = state["checkpoint"]["latest"]["resources"]
        return found


def _install_dynamic_host(folder: Path) -> None:
    """Let dynamic resources have stand-ins for what they ask (dynamic_host.py)."""
    host = folder / "pulumi-resource-pulumi-python"
    python, root = shlex.quote(sys.executable), shlex.quote(str(PROJECT))
    host.write_text(
        f'#!/bin/sh\nexec env PYTHONPATH={root} {python} -u -m bench.program.dynamic_host "$@"\n'
    )
    host.chmod(0o755)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
