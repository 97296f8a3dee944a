"""Previews a stack of any checkout of the program, from nothing, with the policy pack."""

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

PROJECT = Path(__file__).resolve().parents[1]
PACK = PROJECT / "policies"
PROGRAM = ("__main__.py", "components", "kafka_connect", "java", "Pulumi.yaml")
"""What the program consists of, besides its stack files."""
STATE_OF_ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""Keys of a stack file that belong to the deployed stack's secrets; none is needed here."""
CONCLUSION = "preview failed"
"""the engine's last word after a violation, as after an error of which it has told more"""


class PreviewError(Exception):
    """The program could not be previewed at all; the text is what it said."""


@dataclass(frozen=True)
class Verdict:
    """What one policy says, of one resource or of the stack."""

    policy: str
    resource: str
    """type and name, such as "StatefulSet kafka"; of a policy for the whole stack: the stack's"""
    message: str
    is_mandatory: bool

    @property
    def said(self) -> str:
        """The message without what the engine puts before it: the policy's description."""
        if self.is_mandatory:
            return self.message.partition("\n")[2].strip() or self.message
        return self.message.partition(" during preview: ")[2] or self.message


@dataclass(frozen=True)
class Preview:
    """What a stack would be if it were made from nothing, and what the policies say to that."""

    stack: str
    resources: Sequence[Resource] = ()
    verdicts: Sequence[Verdict] = ()
    warnings: Sequence[str] = ()

    @property
    def violations(self) -> list[Verdict]:
        """What stops an update."""
        return [verdict for verdict in self.verdicts if verdict.is_mandatory]

    @property
    def advice(self) -> list[Verdict]:
        """What does not, such as what a preview can't judge yet."""
        return [verdict for verdict in self.verdicts if not verdict.is_mandatory]


@dataclass
class _Listener:
    """Collects the engine's events."""

    resources: list[Resource] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def hear(self, event: automation.EngineEvent) -> None:
        if registered := event.resource_pre_event:
            new = registered.metadata.new
            if new is not None and new.custom and not new.type.startswith("pulumi:"):
                name = new.urn.rpartition("::")[2]
                self.resources.append(Resource(new.type, name, _plain(new.inputs, name), new.urn))
        if said := event.policy_event:
            mandatory = said.enforcement_level == "mandatory"
            about = _title(said.resource_urn or "")
            self.verdicts.append(Verdict(said.policy_name, about, said.message.strip(), mandatory))
        if told := event.diagnostic_event:
            if told.severity == "error" and told.message.strip() != CONCLUSION:
                self.errors.append(told.message.strip())
            if told.severity == "warning":
                self.warnings.append(f"{_title(told.urn or '')}: {told.message.strip()}")


def preview(stack: str, project: Path = PROJECT) -> Preview:
    """Preview a stack of the program in `project`, judged by this checkout's policies.

    Raises PreviewError where the program fails, as with a stack file that can't be used.
    """
    listener = _Listener()
    with tempfile.TemporaryDirectory(prefix="datapipe-review-") as scratch:
        folder = Path(scratch)
        workspace = _workspace(folder, stack, project)
        configuration = PACK / "configuration" / f"{stack}.json"
        try:
            automation.create_stack(stack, work_dir=str(folder), opts=workspace).preview(
                policy_packs=[str(PACK)],
                policy_pack_configs=[str(configuration)] if configuration.exists() else None,
                on_event=listener.hear,
                color="never",
            )
        except automation.CommandError as failed:
            refused = any(verdict.is_mandatory for verdict in listener.verdicts)
            if listener.errors or not refused:
                raise PreviewError("\n".join(listener.errors) or str(failed)) from failed
    return Preview(stack, listener.resources, listener.verdicts, listener.warnings)


def _workspace(folder: Path, stack: str, project: Path) -> automation.LocalWorkspaceOptions:
    """A project folder with a state and plugins of its own, which knows no cluster and no cloud."""
    for name in PROGRAM:
        (folder / name).symlink_to(project / name)
    stack_file = project / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        raise PreviewError(f"there is no {stack_file.name}")
    kept = [
        line
        for line in stack_file.read_text().splitlines(keepends=True)
        if not line.startswith(STATE_OF_ENCRYPTION)
    ]
    (folder / stack_file.name).write_text("".join(kept))
    (folder / "state").mkdir()
    home = folder / "home"
    echo.install_in(home)
    return automation.LocalWorkspaceOptions(
        pulumi_home=str(home),
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "KUBECONFIG": str(folder / "no-cluster"),
        },
    )


def _title(urn: str) -> str:
    """Type and name of a resource's URN, such as "StatefulSet kafka"."""
    if not urn:
        return "the stack"
    *_, types, name = urn.split("::")
    return f"{re.split(r'[:$]', types)[-1]} {name}"


def _plain(value: Any, path: str) -> Any:
    """A property of the engine's events: secrets blinded, unknowns as the rules know them."""
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
