"""Sizes of PostgreSQL's settings, such as 2GB, in the ranges in which the server starts."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from components.settings import LARGEST_INT

# MB. The cache is counted in pages of 8 kB, and max_wal_size is at least two segments of the WAL.
LARGEST_CACHE = LARGEST_INT // 128
SEGMENT = 16
UNLIMITED = "-1"


def megabytes(size: str) -> int:
    """Return a size in MB."""
    return int(size[:-2]) * (1024 if size.endswith("GB") else 1)


@dataclass(frozen=True)
class _Range:
    """A validator of a size by its form and its range (MB)."""

    least: int
    most: int = LARGEST_INT
    may_be_unlimited: bool = False

    def __call__(self, size: str) -> str:
        if self.may_be_unlimited and size == UNLIMITED:
            return size
        also = f", or {UNLIMITED} for no limit" if self.may_be_unlimited else ""
        if not re.fullmatch(r"\d+(MB|GB)", size, re.ASCII):
            raise ValueError(f"is not a valid size; allowed: whole MB or GB, e.g. 2GB{also}")
        if not self.least <= megabytes(size) <= self.most:
            raise ValueError(f"is not allowed; allowed: {self.least}MB to {self.most}MB{also}")
        return size


CacheSize = Annotated[str, AfterValidator(_Range(1, LARGEST_CACHE))]
WalSize = Annotated[str, AfterValidator(_Range(2 * SEGMENT))]
# With less than a segment, PostgreSQL would keep nothing for a slot.
KeptWal = Annotated[str, AfterValidator(_Range(SEGMENT, may_be_unlimited=True))]
