"""The review of a stack as Markdown: verdict, violations, budgets, what a merge would change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from policies import budget
from policies.budget_report import table
from policies.exceptions import parse_exceptions
from policies.pack import POLICIES
from policies.policy import mark_excepted
from review.expected import Expected, expected_of, unexpected, vanished
from review.preview import PACK, Preview, Verdict

DIMENSIONS = {"memory-budget": budget.MEMORY, "cpu-budget": budget.CPU}
SHOWN_CHARACTERS = 16_000
"""of a stack's diff: three of them stay below GitHub's 65,536 for a comment"""


@dataclass(frozen=True)
class Review:
    """A stack's preview, held against what is expected of it and what was there before."""

    preview: Preview
    changes: str | None = None
    """unified diff against another checkout; None where there is nothing to compare with"""

    @property
    def expected(self) -> Sequence[Expected]:
        """Violations that are known."""
        return expected_of(self.preview.stack)

    @property
    def passes(self) -> bool:
        """Whether the stack has exactly the violations that are expected of it."""
        return not unexpected(self.preview, self.expected) and not vanished(
            self.preview, self.expected
        )

    def markdown(self) -> str:
        """The report."""
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
            return "✗ an expected violation is gone"
        if preview.violations:
            return f"✓ refused as expected ({len(preview.violations)} violations)"
        return f"✓ all {len(POLICIES)} policies pass on {len(preview.resources)} resources"

    def _violations(self) -> Iterator[str]:
        for kind in self.expected:
            covered = [v for v in self.preview.violations if kind.covers(v)]
            if covered:
                yield f"- expected: {kind.reason}. An update is refused until then:"
                yield from (f"  {_item(verdict)}" for verdict in covered)
        yield from (_item(verdict) for verdict in unexpected(self.preview, self.expected))
        for kind in vanished(self.preview, self.expected):
            yield (
                f"- no `{kind.policy}` violation says “{kind.says}” any more: take the entry out of"
                " review/expected.json"
            )

    def _remarks(self) -> Iterator[str]:
        yield from (_item(verdict) for verdict in self.preview.advice)
        yield from (f"- warning, {warning}" for warning in self.preview.warnings)

    def _changes(self) -> Iterator[str]:
        if self.changes is None:
            return
        if not self.changes:
            yield "Merging changes no resource of this stack."
            return
        shown, left = self.changes[:SHOWN_CHARACTERS], len(self.changes) - SHOWN_CHARACTERS
        note = f"\n… {left} characters more in the whole diff" if left > 0 else ""
        yield (
            "<details><summary>What merging changes</summary>\n\n"
            f"~~~~diff\n{shown}{note}\n~~~~\n\n</details>"
        )


def _paragraphs(items: Iterator[str]) -> list[str]:
    text = "\n".join(items)
    return [text] if text else []


def _item(verdict: Verdict) -> str:
    """A list item; what has several lines, such as a budget's table, keeps them."""
    first, *more = verdict.said.splitlines()
    lines = [f"- `{verdict.policy}`, {verdict.resource}: {first}"]
    if more:
        lines += ["", "  ~~~~", *(f"  {line}".rstrip() for line in more), "  ~~~~"]
    return "\n".join(lines)


def _budget(preview: Preview, policy_name: str) -> str:
    """A budget's table, by the policy's own count and this stack's settings."""
    policy = next(policy for policy in POLICIES if policy.name == policy_name)
    file = PACK / "configuration" / f"{preview.stack}.json"
    given = json.loads(file.read_text()).get(policy_name, {}) if file.exists() else {}
    settings = policy.settings_from(given if isinstance(given, dict) else {})
    spared = parse_exceptions(settings["exceptions"])
    resources = mark_excepted(preview.resources, spared, datetime.now(UTC).date())
    taken, uncounted = budget.take_stock(resources, settings, DIMENSIONS[policy_name])
    header, *rows = table(taken)
    lines = [
        f"**{policy_name}**: {taken.write(taken.taken)} of {taken.write(taken.allowed)}",
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
