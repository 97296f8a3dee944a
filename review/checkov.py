"""Holds checkov's reports against the exceptions: `python -m review.checkov STACK=REPORT...`.

Exit code 1 for a failed check without an exception, or an exception for what passes by now.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from review.preview import PACK

FILE = PACK / "checkov" / "exceptions.json"


class Tolerated(BaseModel):
    """A check that some resources need not pass, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    stacks: list[str]
    resources: list[str]
    """as checkov names them: Kind.namespace.name"""
    reason: str


class Check(BaseModel):
    """What checkov found of one resource."""

    check_id: str
    check_name: str
    resource: str


class Results(BaseModel):
    """Checkov's checks by their outcome."""

    passed_checks: list[Check]
    failed_checks: list[Check]


class Report(BaseModel):
    """What is read of checkov's JSON report."""

    results: Results


@dataclass(frozen=True)
class Outcome:
    """A stack's checks, held against the exceptions."""

    stack: str
    results: Results
    tolerated: Sequence[Tolerated]

    @property
    def failed(self) -> list[Check]:
        """Failed checks that no exception covers."""
        return [check for check in self.results.failed_checks if not self._is_tolerated(check)]

    @property
    def needless(self) -> list[Check]:
        """Passed checks that an exception covers all the same."""
        return [check for check in self.results.passed_checks if self._is_tolerated(check)]

    def lines(self) -> Iterator[str]:
        """What is printed."""
        passed, failed = len(self.results.passed_checks), len(self.failed)
        excepted = len(self.results.failed_checks) - failed
        yield f"checkov, {self.stack}: {passed} passed, {failed} failed, {excepted} excepted"
        for check in self.failed:
            yield f"  failed: {check.check_id} {check.resource}: {check.check_name}"
        for check in self.needless:
            yield (
                f"  {check.check_id} {check.resource} passes by now; take the exception out of"
                " policies/checkov/exceptions.json"
            )

    def _is_tolerated(self, check: Check) -> bool:
        return any(
            self.stack in tolerated.stacks
            and check.check_id == tolerated.check
            and check.resource in tolerated.resources
            for tolerated in self.tolerated
        )


def outcome(stack: str, report: str) -> Outcome:
    """The outcome of a JSON report of checkov's. Raises ValueError where it is none."""
    tolerated = TypeAdapter(list[Tolerated]).validate_json(FILE.read_text())
    return Outcome(stack, Report.model_validate_json(report).results, tolerated)


def main(arguments: Sequence[str]) -> None:
    """Print every stack's outcome."""
    passes = True
    for argument in arguments:
        stack, _, file = argument.partition("=")
        found = outcome(stack, Path(file).read_text())
        print("\n".join(found.lines()))
        passes = passes and not found.failed and not found.needless
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
