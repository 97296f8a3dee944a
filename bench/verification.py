"""Waits until the archive holds what a load has committed, and compares the two."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.account import Account
from bench.archived import DataFile, Lake
from bench.comparison import Comparison
from bench.content import COLUMNS, TIMESTAMPS

POLL_SECONDS = 2.0
CLOCK_SKEW = 5.0
"""Seconds by which the sink's clock may be behind the generator's."""


@dataclass(frozen=True)
class Patience:
    """How long the archive is waited for, in seconds."""

    deadline: float = 180.0
    """after the last commit"""
    settle: float = 15.0
    """between the last arrival and the final look: a duplicate comes after its original"""


Report = Callable[[int, int], None]
"""Told now and then: rows committed, rows archived."""


@contextmanager
def verification(
    lake: Lake, account: Account, patience: Patience, report: Report
) -> Iterator[Comparison]:
    """The comparison after everything has arrived, or the deadline is over."""
    reader = _Reader(lake, account)
    deadline = time.monotonic() + patience.deadline
    with Comparison(account) as comparison:
        while True:
            reader.read(comparison)
            arrived = comparison.archived_rows()
            report(account.rows, arrived)
            if arrived >= account.rows:
                time.sleep(patience.settle)
                reader.read(comparison)
                break
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        yield comparison


class _Reader:
    """Reads each data file once, when it has become readable."""

    def __init__(self, lake: Lake, account: Account) -> None:
        self._lake, self._account = lake, account
        self._read: set[DataFile] = set()
        self._since = account.committed[0].begun - CLOCK_SKEW

    def read(self, comparison: Comparison) -> None:
        for table in self._account.tables:
            name = table.split(".")[-1]
            columns = (*COLUMNS[name], *TIMESTAMPS[name])
            for file in self._lake.files(table, self._since):
                if file not in self._read:
                    self._read.add(file)
                    rows = self._lake.rows(table, file, columns)
                    comparison.add(table, rows, file.readable)
