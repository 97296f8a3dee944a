"""Waits until the archive holds what was committed."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from demo.changes import ArchivedChange, Change
from demo.comparison import Arrivals, compare

Report = Callable[[int, int, bool], None]
"""Told after every look: changes committed, changes archived, whether all are committed."""


class Journal(Protocol):
    """The account of what is being committed."""

    def finished(self) -> bool:
        """Whether nothing more will be committed."""

    def changes(self) -> list[Change]:
        """What was committed so far."""


@dataclass(frozen=True)
class Patience:
    """How long the archive is waited for, in seconds."""

    deadline: float
    """after the last commit"""
    settle: float
    """between the last arrival and the final look: a duplicate comes after its original"""
    poll: float = 1.0
    """between two looks; measured delays are upper bounds, this coarse"""


def watch(
    read: Callable[[], list[ArchivedChange]], journal: Journal, patience: Patience, report: Report
) -> tuple[list[ArchivedChange], Arrivals]:
    """Look at the archive until all has arrived or the deadline is over.

    Returns what the final look saw, and when each change was seen first.
    """
    arrivals, deadline = Arrivals(), math.inf
    while True:
        finished = journal.finished()
        if finished:
            deadline = min(deadline, time.monotonic() + patience.deadline)
        archived = read()
        arrivals.observe((each.change for each in archived), time.time())
        found = compare(journal.changes(), [each.change for each in archived])
        report(found.committed, found.archived, finished)
        if finished and not found.missing:
            time.sleep(patience.settle)
            return read(), arrivals
        if time.monotonic() > deadline:
            return archived, arrivals
        time.sleep(patience.poll)
