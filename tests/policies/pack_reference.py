"""The reference in the pack's README, made from the pack itself and from what it says in its tests.

`python -m tests.policies.pack_reference` writes it between its two markers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies.pack import POLICIES
from policies.policy import ResourcePolicy, StackPolicy
from tests.policies.cases import CASES, STRICT_CASES, Case
from tests.policies.samples import compliant_stack, messages

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "policies" / "README.md"
BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"

PROD = json.loads((ROOT / "policies/configuration/prod.json").read_text())

LONGEST_DEFAULT = 200
"""that is written out, in characters"""


def reference() -> str:
    """A table of the policies, then each one's settings and an example of its message."""
    rows = ["| policy | judges | promise |", "|---|---|---|"]
    for policy in POLICIES:
        judged = "the whole stack" if isinstance(policy, StackPolicy) else "each resource"
        rows.append(f"| [`{policy.name}`](#{policy.name}) | {judged} | {policy.description} |")
    sections = ("\n".join(_section(policy)) for policy in POLICIES)
    return "\n\n".join(["\n".join(rows), *sections])


def with_reference(text: str) -> str:
    """A document with the reference between its markers brought up to date."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def _section(policy: ResourcePolicy | StackPolicy) -> Iterator[str]:
    yield f"### {policy.name}"
    yield ""
    module = policy.rule.__module__.rpartition(".")[2]
    for name, schema in policy.settings.items():
        default = _value(schema["default"])
        if len(default) > LONGEST_DEFAULT:
            default = f"in [{module}.py]({module}.py)"
        yield f"- `{name}`, default {default}: {schema['description']}"
    if policy.settings:
        yield ""
    yield "~~~"
    yield _example(policy.name)
    yield "~~~"


def _value(default: Any) -> str:
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _example(policy: str) -> str:
    """What the policy says of the first case that its tests stop."""
    case = next(case for case in [*CASES, *STRICT_CASES] if case.policy == policy)
    return next(message for message in _said_of(case) if case.says in message)


def _said_of(case: Case) -> list[str]:
    if case in STRICT_CASES:
        return messages(case.policy, case.broken, PROD[case.policy])
    return messages(case.policy, [*compliant_stack(), *case.broken])


if __name__ == "__main__":
    README.write_text(with_reference(README.read_text()))
