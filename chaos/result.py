"""What an experiment has shown."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Outcome(StrEnum):
    """How a fault ended."""

    SURVIVED = "survived"
    REPAIRED = "repaired"
    """nothing lost, after the user did something"""
    HISTORY_LOST = "history lost"
    """by design: changes are missing, the final rows are not"""
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Result:
    """A row of the report. Times in seconds, counts in changed rows."""

    fault: str
    does: str
    outcome: Outcome
    committed: int = 0
    lost: int = 0
    """committed and not archived when the time was over"""
    duplicated: int = 0
    """archived more often than committed"""
    unexpected: int = 0
    """archived and never committed: a changed value, a rolled back row"""
    rows_differing: int = 0
    """rows whose last archived state is not PostgreSQL's"""
    detected_after: float | None = None
    """from the injection to the first sign that a user can see; None: nothing showed"""
    detected_by: str = ""
    recovered_after: float | None = None
    """from the fault's end until all that was committed is readable in the archive"""
    user_action: str = "nothing"
    database_away: float = 0
    """for how long the application could not write"""
    complaints: tuple[str, ...] = ()
    """what went wrong besides"""
    seconds: float = 0
    """of the whole experiment"""

    @property
    def failed(self) -> bool:
        """Whether something was lost, doubled or did not come back."""
        return self.outcome is Outcome.FAILED

    def judged(self, keeps_history: bool) -> "Result":
        """With the outcome that follows from the counts."""
        lost = self.lost and keeps_history
        if (
            lost
            or self.duplicated
            or self.unexpected
            or self.rows_differing
            or self.complaints
            or self.recovered_after is None
        ):
            return replace(self, outcome=Outcome.FAILED)
        if self.lost:
            return replace(self, outcome=Outcome.HISTORY_LOST)
        repaired = self.user_action != "nothing"
        return replace(self, outcome=Outcome.REPAIRED if repaired else Outcome.SURVIVED)


def not_run(fault: str, does: str, why: str) -> Result:
    """The row of a fault that can't be run here."""
    return Result(fault, does, Outcome.NOT_RUN, complaints=(why,))
