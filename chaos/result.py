"""What an experiment has shown."""

from dataclasses import dataclass, replace
from enum import StrEnum

# What the report shows if the user had to do nothing.
NO_ACTION = "nothing"


class Outcome(StrEnum):
    """How a fault ended."""

    SURVIVED = "survived"
    REPAIRED = "repaired"
    """nothing lost, after an action of the user"""
    HISTORY_LOST = "history lost"
    """changes are missing by design, but the rows' last state agrees"""
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
    """archived and never committed, such as a changed value or a row that was rolled back"""
    rows_differing: int = 0
    """rows whose last archived change is not what PostgreSQL has"""
    detected_after: float | None = None
    """from the injection to the first symptom that a user can see; None: nothing was seen"""
    detected_by: str = ""
    recovered_after: float | None = None
    """from the fault's end until everything committed is readable in the archive"""
    user_action: str = NO_ACTION
    database_away: float = 0
    """for how long the application could not write"""
    complaints: tuple[str, ...] = ()
    """what else went wrong"""
    seconds: float = 0
    """of the whole experiment"""
    committed_rate: float | None = None
    """row changes per second while the load ran, outages and pauses included"""

    @property
    def failed(self) -> bool:
        """Whether something was lost or duplicated, or did not recover."""
        return self.outcome is Outcome.FAILED

    def judged(self, keeps_history: bool) -> "Result":
        """Return the result with the outcome that follows from its counts."""
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
        repaired = self.user_action != NO_ACTION
        return replace(self, outcome=Outcome.REPAIRED if repaired else Outcome.SURVIVED)


def not_run(fault: str, does: str, why: str) -> Result:
    """Return the row of a fault that cannot be run here."""
    return Result(fault, does, Outcome.NOT_RUN, complaints=(why,))
