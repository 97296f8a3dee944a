"""The review of a stack as Markdown: verdict, violations, budgets, changes by a merge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from policies import budget
from policies.budget_report import table
from policies.exceptions import parse_exceptions
from policies.pack import POLICIES
from policies.policy import mark_excepted
from review.expected import Expected, expected_of, unexpected, vanished
from review.preview import PACK, PROJECT, Preview, Verdict

DIMENSIONS = {"memory-budget": budget.MEMORY, "cpu-budget": budget.CPU}
# The length of a stack's diff: three of them fit into GitHub's 65,536 for a comment.
SHOWN_CHARACTERS = 16_000


@dataclass(frozen=True)
class Review:
    """A stack's preview, compared with the expected violations and the base."""

    preview: Preview
    changes: str | None = None
    """A unified diff against another checkout; None without one."""

    @property
    def expected(self) -> Sequence[Expected]:
        """The violations that are expected of the stack."""
        return expected_of(self.preview.stack)

    @property
    def passes(self) -> bool:
        """Whether the stack has exactly the expected violations."""
        return not unexpected(self.preview, self.expected) and not vanished(
            self.preview, self.expected
        )

    def markdown(self) -> str:
        """Return the report."""
        parts = [
            f"## {self.preview.stack}: {self._verdict()}",
            *_paragraphs(self._violations()),
            *(_budget(self.preview, name) for name in DIMENSIONS),
            *_paragraphs(self._remarks()),
            *self._changes(),
        ]
        return "\n\n".join(parts) + "\n"

    def _verdict(self) -> str:
        preview, new = self.preview, unexpected(self.preview, self.expected)
        if new:
            return f"✗ refused, {len(new)} of {len(preview.violations)} violations not expected"
        if vanished(preview, self.expected):
            return "✗ an expected violation is no longer found"
        if preview.violations:
            return f"✓ refused as expected ({len(preview.violations)} violations)"
        return f"✓ all {len(POLICIES)} policies pass on {len(preview.resources)} resources"

    def _violations(self) -> Iterator[str]:
        for kind in self.expected:
            covered = [v for v in self.preview.violations if kind.covers(v)]
            if covered:
                yield f"- expected: {kind.reason}. Until then an update is refused:"
                yield from (f"  {_item(verdict)}" for verdict in covered)
        yield from (_item(verdict) for verdict in unexpected(self.preview, self.expected))
        for kind in vanished(self.preview, self.expected):
            yield (
                f"- no `{kind.policy}` violation contains “{kind.message_contains}” any longer:"
                " remove the entry from review/expected.json"
            )

    def _remarks(self) -> Iterator[str]:
        yield from (_item(verdict) for verdict in self.preview.advice)
        yield from (f"- warning, {warning}" for warning in self.preview.warnings)
        yield from (f"- note, {note}" for note in self.preview.notes)
        for path in self.preview.encrypted:
            yield f"- note, {path} is encrypted: a placeholder was judged in its place"

    def _changes(self) -> Iterator[str]:
        if self.changes is None:
            return
        if not self.changes:
            yield "Merging changes no resource of this stack."
            return
        shown, left = self.changes[:SHOWN_CHARACTERS], len(self.changes) - SHOWN_CHARACTERS
        note = f"\n… {left} more characters in the full diff" if left > 0 else ""
        yield (
            "<details><summary>What merging changes</summary>\n\n"
            f"~~~~diff\n{shown}{note}\n~~~~\n\n</details>"
        )


def _paragraphs(items: Iterator[str]) -> list[str]:
    text = "\n".join(items)
    return [text] if text else []


def _item(verdict: Verdict) -> str:
    """Return a list item; a message of several lines, such as a budget's table, keeps them."""
    first, *more = verdict.text.splitlines()
    lines = [f"- `{verdict.policy}`, {verdict.resource}: {first}"]
    if more:
        lines += ["", "  ~~~~", *(f"  {line}".rstrip() for line in more), "  ~~~~"]
    return "\n".join(lines)


def _stack_limit(stack: str, policy_name: str) -> str | None:
    """Return the limit that the stack file sets, which the engine passes to the pack otherwise."""
    file = PROJECT / f"Pulumi.{stack}.yaml"
    config = yaml.safe_load(file.read_text())["config"] if file.exists() else {}
    limit = config.get("datapipe:budget", {}).get(DIMENSIONS[policy_name].resource)
    return None if limit is None else str(limit)


def _budget(preview: Preview, policy_name: str) -> str:
    """Return a budget's table, computed by the policy with this stack's settings."""
    policy = next(policy for policy in POLICIES if policy.name == policy_name)
    file = PACK / "configuration" / f"{preview.stack}.json"
    given = json.loads(file.read_text()).get(policy_name, {}) if file.exists() else {}
    stated = {"limit": limit} if (limit := _stack_limit(preview.stack, policy_name)) else {}
    settings = policy.settings_from({**stated, **(given if isinstance(given, dict) else {})})
    exceptions = parse_exceptions(settings["exceptions"])
    resources = mark_excepted(preview.resources, exceptions, datetime.now(UTC).date())
    computed, uncounted = budget.compute_budget(resources, settings, DIMENSIONS[policy_name])
    header, *rows = table(computed)
    lines = [
        f"**{policy_name}**: {computed.format(computed.used)} of {computed.format(computed.limit)}",
        "",
        _row([header[0], *header[1:]]),
        _row(["---", *["--:"] * (len(header) - 1)]),
        *(_row(row) for row in rows),
    ]
    if uncounted:
        lines += ["", f"Not counted, see above: {len(uncounted)} workloads."]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
