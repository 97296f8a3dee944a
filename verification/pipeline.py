"""What is compared, and how it is reached."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg

from clients.database import Row
from verification.archived_table import OpenTable
from verification.position import ArchivePosition

# Opens a connection to the source database, in autocommit mode.
Connect = Callable[[], AbstractContextManager[psycopg.Connection[Row]]]


@dataclass(frozen=True)
class Pipeline:
    """A database, its archive, and how to find out how far the archive is."""

    connect: Connect
    archive: OpenTable
    position: ArchivePosition
    excluded: Mapping[str, Collection[str]]
    """columns that are not captured, by schema.table"""
