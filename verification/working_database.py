"""The database in which rows are compared, which needs little memory however many they are."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

# Of DuckDB, which puts what does not fit into its temporary folder.
MEMORY = "1GB"


@contextmanager
def working_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in a temporary folder, whose size in memory is limited."""
    with tempfile.TemporaryDirectory(prefix="datapipe-verify-") as folder:
        database = duckdb.connect(str(Path(folder) / "verify.duckdb"))
        try:
            database.execute(f"SET memory_limit = '{MEMORY}'")
            database.execute("SET temp_directory = ?", [str(Path(folder) / "spilled")])
            database.execute("SET preserve_insertion_order = false")
            yield database
        finally:
            database.close()
