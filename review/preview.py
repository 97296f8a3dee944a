"""Previews a stack of any checkout of the program, with an empty state and the policy pack."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import automation

from policies.resource import Resource, Unknown
from provider_plugins import echo, wire
from review.stack_file import PLACEHOLDER, without_secrets

PROJECT = Path(__file__).resolve().parents[1]
PACK = PROJECT / "policies"
# The files and folders of the program, without its stack files.
PROGRAM = (
    "__main__.py",
    "archive_views",
    "components",
    "kafka_connect",
    "polling",
    "java",
    "Pulumi.yaml",
)
_PLACEHOLDER = automation.ConfigValue(PLACEHOLDER, secret=True)
# The engine's last error; it follows a violation or an error with more details.
CONCLUSION = "preview failed"


class PreviewError(Exception):
    """The preview failed for another reason than a policy; the text is the program's error."""


@dataclass(frozen=True)
class Verdict:
    """A policy's message about a resource or the stack."""

    policy: str
    resource: str
    """Type and name, such as "StatefulSet kafka"; or "the stack"."""
    message: str
    is_mandatory: bool

    @property
    def text(self) -> str:
        """The message without the policy's description, which the engine puts before it."""
        if self.is_mandatory:
            return self.message.partition("\n")[2].strip() or self.message
        return self.message.partition(" during preview: ")[2] or self.message


@dataclass(frozen=True)
class Preview:
    """The resources of a stack that is created from nothing, and the policies' messages."""

    stack: str
    resources: Sequence[Resource] = ()
    verdicts: Sequence[Verdict] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    """what the program says about a resource"""
    encrypted: Sequence[str] = ()
    """paths of the stack file's values that were replaced by a placeholder"""

    @property
    def violations(self) -> list[Verdict]:
        """Verdicts that stop an update."""
        return [verdict for verdict in self.verdicts if verdict.is_mandatory]

    @property
    def advice(self) -> list[Verdict]:
        """Verdicts that do not, such as a value that a preview can't judge yet."""
        return [verdict for verdict in self.verdicts if not verdict.is_mandatory]


@dataclass
class _Listener:
    """Collects the engine's events."""

    resources: list[Resource] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on_event(self, event: automation.EngineEvent) -> None:
        if registered := event.resource_pre_event:
            new = registered.metadata.new
            if new is not None and new.custom and not new.type.startswith("pulumi:"):
                name = new.urn.rpartition("::")[2]
                self.resources.append(Resource(new.type, name, _plain(new.inputs, name), new.urn))
        if verdict := event.policy_event:
            mandatory = verdict.enforcement_level == "mandatory"
            about = _title(verdict.resource_urn or "")
            self.verdicts.append(
                Verdict(verdict.policy_name, about, verdict.message.strip(), mandatory)
            )
        if diagnostic := event.diagnostic_event:
            if diagnostic.severity == "error" and diagnostic.message.strip() != CONCLUSION:
                self.errors.append(diagnostic.message.strip())
            said = f"{_title(diagnostic.urn or '')}: {diagnostic.message.strip()}"
            if diagnostic.severity == "warning":
                self.warnings.append(said)
            if diagnostic.severity == "info" and diagnostic.urn:
                self.notes.append(said)


def preview(stack: str, project: Path = PROJECT) -> Preview:
    """Preview a stack of the program in `project`, judged by this checkout's policies.

    Raises PreviewError if the program fails, for example because of an invalid stack file.
    """
    listener = _Listener()
    with tempfile.TemporaryDirectory(prefix="datapipe-review-") as scratch:
        folder = Path(scratch)
        workspace, encrypted = _workspace(folder, stack, project)
        configuration = PACK / "configuration" / f"{stack}.json"
        try:
            created = automation.create_stack(stack, work_dir=str(folder), opts=workspace)
            if encrypted:
                created.set_all_config(dict.fromkeys(encrypted, _PLACEHOLDER), path=True)
            created.preview(
                policy_packs=[str(PACK)],
                policy_pack_configs=[str(configuration)] if configuration.exists() else None,
                on_event=listener.on_event,
                color="never",
            )
        except automation.CommandError as failed:
            refused = any(verdict.is_mandatory for verdict in listener.verdicts)
            if listener.errors or not refused:
                reasons = listener.errors or [str(failed)]
                raise PreviewError("\n".join([*reasons, *_replaced(encrypted)])) from failed
    return Preview(
        stack,
        listener.resources,
        listener.verdicts,
        listener.warnings,
        listener.notes,
        encrypted,
    )


def _replaced(encrypted: list[str]) -> list[str]:
    """Return a line that says which values of the stack file the program did not see."""
    paths = ", ".join(encrypted)
    return [f"Encrypted values were replaced by {PLACEHOLDER}: {paths}"] if encrypted else []


def _workspace(
    folder: Path, stack: str, project: Path
) -> tuple[automation.LocalWorkspaceOptions, list[str]]:
    """Create a project folder with its own state and plugins, without a cluster or a cloud.

    Return its options, and the paths of the stack file's encrypted values, which it leaves out.
    """
    for name in PROGRAM:
        (folder / name).symlink_to(project / name)
    stack_file = project / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(file.name.split(".")[1] for file in project.glob("Pulumi.*.yaml"))
        raise PreviewError(f"there is no {stack_file.name}; stacks: {', '.join(known)}")
    text, encrypted = without_secrets(stack_file.read_text())
    (folder / stack_file.name).write_text(text)
    echo.prepare(folder)
    variables = echo.variables(folder)
    options = automation.LocalWorkspaceOptions(
        pulumi_home=variables["PULUMI_HOME"],
        env_vars={**variables, "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex()},
    )
    return options, encrypted


def _title(urn: str) -> str:
    """Return type and name of a resource's URN, such as "StatefulSet kafka"."""
    if not urn:
        return "the stack"
    *_, types, name = urn.split("::")
    return f"{re.split(r'[:$]', types)[-1]} {name}"


def _plain(value: Any, path: str) -> Any:
    """Return a property of the engine's events, with secrets replaced and unknowns as `Unknown`."""
    match value:
        case dict() if value.get(wire.SIGNATURE_KEY) == wire.SECRET_SIGNATURE:
            return "[secret]"
        case dict():
            return {key: _plain(inner, f"{path}.{key}") for key, inner in value.items()}
        case list():
            return [_plain(inner, f"{path}[{index}]") for index, inner in enumerate(value)]
        case wire.UNKNOWN_STRING:
            return Unknown(path)
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
