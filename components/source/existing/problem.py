"""What is wrong with an existing database, and what mends it."""

from dataclasses import dataclass
from typing import Literal

from kafka_connect.explained_error import ExplainedError

# refused: capture would fail, or rows would change or be missing. warning: it works until
# something else goes wrong. not checked: the account can't ask for it; the remedy is how to look.
Level = Literal["refused", "warning", "not checked"]


@dataclass(frozen=True)
class Problem:
    """A line of `make doctor`: what is wrong, and the SQL or the setting that mends it."""

    reason: str
    remedy: str
    level: Level = "refused"

    def __str__(self) -> str:
        purpose = "look at it" if self.level == "not checked" else "repair it"
        return f"{self.reason}. To {purpose}: {self.remedy}"


class UnreachableError(ExplainedError):
    """The database can't be asked; the problem says which hop failed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
