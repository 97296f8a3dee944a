"""What a comparison does, and how it ends early."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from verification.database import SAMPLE_BITS, Buckets

# Reports what is done now.
Log = Callable[[str], None]
# Rows of a bucket, on average: these are read one by one where one of them differs.
BUCKET_ROWS = 500
LARGEST_COUNT = 1 << 16


class NotReachedError(RuntimeError):
    """The archive does not contain what the comparison needs, so a difference proves nothing."""


@dataclass(frozen=True)
class Sample:
    """A part of each table: a share, or a number of rows."""

    share: float | None = 1.0
    rows: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Sample":
        """Return the sample that a text names. Raises ValueError for another text."""
        number = text.removesuffix("%")
        if not number.replace(".", "", 1).isdigit():
            raise ValueError(f"{text!r} is not a valid sample; write a number of rows, or 5%")
        if text != number:
            share = float(number) / 100
            if not 0 < share <= 1:
                raise ValueError(f"{text!r} is not a valid sample; the percentage is 0 to 100")
            return cls(share=share)
        if not number.isdigit() or int(number) < 1:
            raise ValueError(f"{text!r} is not a valid sample; rows are a whole number from 1")
        return cls(share=None, rows=int(number))

    def share_of(self, rows: int) -> float:
        """Return the share of a table with so many rows."""
        if self.share is not None:
            return self.share
        return min(1.0, (self.rows or 0) / max(rows, 1))


@dataclass(frozen=True)
class Options:
    """What a comparison does."""

    sample: Sample = Sample()
    since: int | None = None
    """milliseconds since 1970: only rows with an archived change since then"""
    from_lsn: int = 0
    """archived changes before this WAL position are left out"""
    only_changed: bool = False
    """only rows with an archived change from `from_lsn` on"""
    wait_seconds: float = 300
    """for the archive to contain the changes of a snapshot"""
    poll_seconds: float = 2
    statement_seconds: float = 3600
    """of a statement in PostgreSQL"""

    @property
    def selects_keys(self) -> bool:
        """Whether the archive says which rows are compared."""
        return self.only_changed or self.since is not None

    def buckets(self, rows: int) -> Buckets:
        """Return how a table of about so many rows is divided."""
        count = 1
        while count < min(rows / BUCKET_ROWS, LARGEST_COUNT):
            count *= 2
        sampled = ceil(self.sample.share_of(rows) * (1 << SAMPLE_BITS))
        return Buckets(count, sampled)
