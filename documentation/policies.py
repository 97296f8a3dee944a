"""The generated parts of docs/POLICIES.md, made from the pack and the messages of its own tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies.pack import POLICIES
from policies.policy import ResourcePolicy, StackPolicy
from tests.policies.cases import CASES, STRICT_CASES, Case
from tests.policies.samples import compliant_stack, messages

ROOT = Path(__file__).resolve().parents[1]
PROD = json.loads((ROOT / "policies/configuration/prod.json").read_text())

# Characters of a default that is written out.
LONGEST_DEFAULT = 200

# Policies that do not judge Kubernetes objects.
OUTSIDE_KUBERNETES = {
    "connectors",
    "iam-identities",
    "iam-least-privilege",
    "kafka-topics",
    "s3-buckets",
}


def summary() -> str:
    """Return how many policies the pack has."""
    return (
        f"{len(POLICIES)} policies stop an update before anything is created, and say what to"
        " change."
    )


def faults() -> str:
    """Return what the comparison with other tools counts."""
    cases = [*CASES, *STRICT_CASES]
    outside = sum(case.policy in OUTSIDE_KUBERNETES for case in cases)
    return (
        f"The pack's own tests ([cases.py](../tests/policies/cases.py)) have {len(cases)} faults,"
        f" {len(cases) - outside} of them in\nKubernetes objects and {outside} in AWS, topics and"
        " connectors. The list is ours, so it favours our pack; the last row has\nwhat the list"
        " leaves out."
    )


def reference() -> str:
    """Return a table of the policies, then each one's settings and an example of its message."""
    rows = ["| policy | judges | promise |", "|---|---|---|"]
    for policy in POLICIES:
        judged = "the whole stack" if isinstance(policy, StackPolicy) else "each resource"
        rows.append(f"| [`{policy.name}`](#{policy.name}) | {judged} | {policy.description} |")
    sections = ("\n".join(_section(policy)) for policy in POLICIES)
    return "\n\n".join(["\n".join(rows), *sections])


def _section(policy: ResourcePolicy | StackPolicy) -> Iterator[str]:
    yield f"### {policy.name}"
    yield ""
    module = policy.rule.__module__.rpartition(".")[2]
    for name, schema in policy.settings.items():
        default = _value(schema["default"])
        if len(default) > LONGEST_DEFAULT:
            default = f"in [{module}.py](../policies/{module}.py)"
        yield f"- `{name}`, default {default}: {schema['description']}"
    if policy.settings:
        yield ""
    yield "~~~"
    yield _example(policy.name)
    yield "~~~"


def _value(default: Any) -> str:
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _example(policy: str) -> str:
    """Return the policy's message about the first case that its tests stop."""
    case = next(case for case in [*CASES, *STRICT_CASES] if case.policy == policy)
    return next(text for text in _messages_for(case) if case.message in text)


def _messages_for(case: Case) -> list[str]:
    if case in STRICT_CASES:
        return messages(case.policy, case.broken, PROD[case.policy])
    return messages(case.policy, [*compliant_stack(), *case.broken])
