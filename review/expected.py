"""Violations that a stack is known to have until somebody does something outside this repository.

They still stop every update. Listing them keeps a review honest in both directions: it fails for a
violation that is not listed, and for a listed one that is no longer found.
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
    says: str
    """what the messages have in common"""
    reason: str

    def covers(self, verdict: Verdict) -> bool:
        """Whether this violation is of this kind."""
        return verdict.policy == self.policy and self.says in verdict.message


class _File(RootModel[dict[str, list[Expected]]]):
    """The file: by stack."""


def expected_of(stack: str) -> Sequence[Expected]:
    """What is expected of a stack."""
    return _File.model_validate_json(FILE.read_text()).root.get(stack, [])


def unexpected(preview: Preview, expected: Sequence[Expected]) -> list[Verdict]:
    """The violations of which nobody has said why they are there."""
    return [v for v in preview.violations if not any(kind.covers(v) for kind in expected)]


def vanished(preview: Preview, expected: Sequence[Expected]) -> list[Expected]:
    """What is expected and was not found, so that it must leave the file."""
    return [kind for kind in expected if not any(kind.covers(v) for v in preview.violations)]
