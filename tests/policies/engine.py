"""Runs the real Pulumi engine with the policy pack, without a cluster, a cloud or Kafka."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.resource import Resource
from provider_plugins import echo
from review.preview import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PACK = ROOT / "policies"


@dataclass(frozen=True)
class Run:
    """A finished pulumi command."""

    code: int
    output: str
    """Standard output and error together, as a user sees them."""

    @property
    def text(self) -> str:
        """The output as one line: the CLI indents and wraps messages."""
        return " ".join(self.output.split())


@dataclass(frozen=True)
class Engine:
    """A Pulumi project in `folder`, with its own state and plugins there."""

    folder: Path
    stack: str

    def pulumi(self, *arguments: str, with_pack: bool = True) -> Run:
        """Run a command of the CLI on the stack, with the policy pack."""
        pack = ["--policy-pack", str(PACK)] if with_pack else []
        done = subprocess.run(
            ["pulumi", *arguments, *pack, "--stack", self.stack, "--non-interactive"],
            cwd=self.folder,
            env={
                **os.environ,
                **echo.variables(self.folder),
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "RESOURCES": str(self.folder / "resources.json"),
                "NO_COLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    def register(self, resources: Sequence[Resource]) -> None:
        """Make the program register these resources from now on."""
        listed = [
            {"type": r.type, "name": r.name, "properties": dict(r.properties)} for r in resources
        ]
        (self.folder / "resources.json").write_text(json.dumps(listed))

    def resources_in_state(self) -> list[dict[str, Any]]:
        """Return the stack's resources, without the stack itself and its providers."""
        exported = json.loads(self.pulumi("stack", "export", with_pack=False).output)
        listed: list[dict[str, Any]] = exported["deployment"].get("resources") or []
        return [r for r in listed if not r["type"].startswith("pulumi:")]


def engine_for_samples(folder: Path) -> Engine:
    """Create a project that registers the resources given to `Engine.register`."""
    (folder / "Pulumi.yaml").write_text("name: pack\nruntime: python\n")
    shutil.copy(HERE / "engine_program.py", folder / "__main__.py")
    return _initialized(Engine(folder, "test"))


def engine_for_program(folder: Path, stack: str) -> Engine:
    """Create a project of the pipeline's own program and stack file."""
    for name in {*PROGRAM} - {"Pulumi.yaml"}:
        (folder / name).symlink_to(ROOT / name)
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        shutil.copy(ROOT / name, folder)
    stack_file = folder / f"Pulumi.{stack}.yaml"
    lines = stack_file.read_text().splitlines(keepends=True)
    # The salt belongs to another passphrase.
    stack_file.write_text("".join(line for line in lines if not line.startswith("encryptionsalt")))
    return _initialized(Engine(folder, stack))


def _initialized(engine: Engine) -> Engine:
    echo.prepare(engine.folder)
    made = engine.pulumi("stack", "init", with_pack=False)
    assert made.code == 0, made.output
    return engine
