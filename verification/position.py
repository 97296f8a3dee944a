"""Waits until the archive contains everything up to a position in the WAL."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from verification.options import NotReachedError

if TYPE_CHECKING:
    from verification.compared_table import ComparedTable


class ArchivePosition(Protocol):
    """Finds out whether the archive contains the changes of a table up to a position in the WAL."""

    def passed(self, table: str, lsn: int) -> bool:
        """Return whether it is proven that they are readable; False if it is not known yet."""

    def describe(self) -> str:
        """Return what the last call of passed() has found to be missing."""


def wait_for_archive(compared: ComparedTable, lsn: int, differing: Callable[[], int]) -> None:
    """Call `differing`, which reads the archive again, until it returns 0 or a position is passed.

    Raises NotReachedError if neither happens in time.
    """
    options, position = compared.options, compared.position
    deadline = time.monotonic() + options.wait_seconds
    while True:
        passed = position.passed(compared.source.name, lsn)
        count = differing()
        if passed or not count:
            return
        if time.monotonic() > deadline:
            raise NotReachedError(
                f"the archive did not reach the WAL position {lsn} of the comparison within"
                f" {options.wait_seconds:.0f} s ({position.describe()});"
                f" {count:,} rows differ so far"
            )
        compared.report(f"{count:,} rows differ so far; {position.describe()}")
        time.sleep(options.poll_seconds)
