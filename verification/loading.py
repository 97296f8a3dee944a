"""Hands rows that PostgreSQL streams to DuckDB."""

from collections.abc import Iterable
from itertools import islice

import duckdb
import pyarrow as pa

from verification.archive_state import registered

# Rows that are handed over at a time.
BATCH = 50_000


def load_digests(database: duckdb.DuckDBPyConnection, digests: Iterable[tuple[str, str]]) -> None:
    """Put keys and hashes, 16 hexadecimal digits, into the table `present`."""
    database.execute("CREATE OR REPLACE TABLE present (key VARCHAR, digest UBIGINT)")
    rows = iter(digests)
    while batch := list(islice(rows, BATCH)):
        keys, hashes = zip(*batch, strict=True)
        columns = {"key": pa.array(keys, pa.string()), "digest": pa.array(hashes, pa.string())}
        with registered(database, "batch", pa.table(columns)):
            database.execute("INSERT INTO present SELECT key, ('0x' || digest)::UBIGINT FROM batch")
