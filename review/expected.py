"""Violations that a stack is known to have until something outside this repository changes.

They still stop every update. A review fails for a violation that is not listed, and for a listed
one that is no longer found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, RootModel

from review.preview import Preview, Verdict

FILE = Path(__file__).with_name("expected.json")


class Expected(BaseModel):
    """A kind of violation that is expected of a stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    message_contains: str
    reason: str

    def covers(self, verdict: Verdict) -> bool:
        """Return whether this violation is of this kind."""
        return verdict.policy == self.policy and self.message_contains in verdict.message


class _File(RootModel[dict[str, list[Expected]]]):
    """The expected violations by stack."""


def expected_of(stack: str) -> Sequence[Expected]:
    """Return the violations that are expected of a stack."""
    return _File.model_validate_json(FILE.read_text()).root.get(stack, [])


def unexpected(preview: Preview, expected: Sequence[Expected]) -> list[Verdict]:
    """Return the violations that are not expected."""
    return [v for v in preview.violations if not any(kind.covers(v) for kind in expected)]


def vanished(preview: Preview, expected: Sequence[Expected]) -> list[Expected]:
    """Return the expected violations that were not found, which the file must not list."""
    return [kind for kind in expected if not any(kind.covers(v) for v in preview.violations)]
