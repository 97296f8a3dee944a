"""Compares checkov's reports with the exceptions: `python -m review.checkov STACK=REPORT...`.

Exits with code 1 for a failed check without an exception, or an exception for a check that passes.
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
    """A check that some resources do not have to pass, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    stacks: list[str]
    resources: list[str]
    """In checkov's form: Kind.namespace.name."""
    reason: str


class Check(BaseModel):
    """A check of one resource."""

    check_id: str
    check_name: str
    resource: str


class Results(BaseModel):
    """Checkov's checks by their outcome."""

    passed_checks: list[Check]
    failed_checks: list[Check]


class Report(BaseModel):
    """The part of checkov's JSON report that is read."""

    results: Results


@dataclass(frozen=True)
class Outcome:
    """A stack's checks, compared with the exceptions."""

    stack: str
    results: Results
    tolerated: Sequence[Tolerated]

    @property
    def failed(self) -> list[Check]:
        """Failed checks that no exception covers."""
        return [check for check in self.results.failed_checks if not self._is_tolerated(check)]

    @property
    def unneeded(self) -> list[Check]:
        """Passed checks that have an exception nevertheless."""
        return [check for check in self.results.passed_checks if self._is_tolerated(check)]

    def lines(self) -> Iterator[str]:
        """Yield the lines to print."""
        passed, failed = len(self.results.passed_checks), len(self.failed)
        excepted = len(self.results.failed_checks) - failed
        yield f"checkov, {self.stack}: {passed} passed, {failed} failed, {excepted} excepted"
        for check in self.failed:
            yield f"  failed: {check.check_id} {check.resource}: {check.check_name}"
        for check in self.unneeded:
            yield (
                f"  {check.check_id} {check.resource} passes now; remove the exception from"
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
    """Compare checkov's JSON report with the exceptions. Raises ValueError for another text."""
    tolerated = TypeAdapter(list[Tolerated]).validate_json(FILE.read_text())
    return Outcome(stack, Report.model_validate_json(report).results, tolerated)


def main(arguments: Sequence[str]) -> None:
    """Print every stack's outcome."""
    passes = True
    for argument in arguments:
        stack, _, file = argument.partition("=")
        found = outcome(stack, Path(file).read_text())
        print("\n".join(found.lines()))
        passes = passes and not found.failed and not found.unneeded
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
