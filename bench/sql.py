"""`datapipe bench-sql`: how long queries of the present state take as an archive's history grows.

Archives of one table are made on this machine, with ten changes a key, as the sink writes them
(many files, in the order of the WAL) and as compaction leaves them (large files, sorted by key).
Each query runs in a process of its own. With --s3 the files are in a stand-in for S3, which is
another process of this machine: what its answers cost is a part of the seconds, and not of the CPU
seconds.
"""

import argparse
import json
import posixpath
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

from archive_views.table import SourceDatabase, StoredColumn
from bench import machine
from bench.s3_stand_in import file_system, s3_stand_in
from clients.described_tables import DescribedTable
from clients.ending import run_and_exit
from clients.sql.files import FORMAT, ArchivedFiles, Layout
from clients.sql.session import Session
from clients.sql.sources import ArchivedSource
from clients.stack import PROJECT
from workload.machine import revision

OUTPUT, OUTPUT_OF_S3 = PROJECT / "docs/bench/sql.json", PROJECT / "docs/bench/sql-s3.json"
SIZES = [1_000_000, 10_000_000, 50_000_000]
# The stand-in for S3 keeps the files in memory.
SIZES_ON_S3 = [1_000_000]
BUCKET = "bench"
CHANGES_A_KEY = 10
# Rows of a file: of a small commit of the sink, and of a file of some 30 MB after compaction.
COMMIT_ROWS, COMPACTED_ROWS = 10_000, 1_000_000
# Coprime to the numbers of keys, which are powers of ten: each round changes each key once.
STEP = 7919
COLUMNS = {
    "id": ("integer", "bigint"),
    "email": ("text", "character varying(255)"),
    "first_name": ("text", "character varying(100)"),
    "last_name": ("text", "character varying(100)"),
    "balance": ("text", "numeric(10,2)"),
    "created_at": ("timestamp", "timestamp without time zone"),
    "updated_at": ("timestamp", "timestamp without time zone"),
}
# Change number i; one key in fifty is deleted by its last change.
CHANGES = """
SELECT i * {step} % {keys} AS id, 'user' || id || '.' || i || '@example.com' AS email,
    'First' || i % 1000 AS first_name, 'Last' || i % 5000 AS last_name,
    ((i % 100000) / 100.0)::DECIMAL(10, 2)::VARCHAR AS balance,
    1700000000000000 + id AS created_at, 1700000000000000 + i * 1000 AS updated_at,
    CASE WHEN i < {keys} THEN 'c' WHEN id % 50 = 0 AND i >= {last} THEN 'd' ELSE 'u' END AS __op,
    i * 100 AS __source_lsn, 1700000000000 + i AS __source_ts_ms, 1700000000000 + i AS __ts_ms,
    'false' AS __deleted
FROM ({numbers})
"""
IN_ORDER = "SELECT range AS i FROM range({first}, {end})"
BY_KEY = (
    "SELECT range % {rounds} * {keys} + range // {rounds} * {inverse} % {keys} AS i"
    " FROM range({first}, {end})"
)
QUERIES = {
    "number of rows": "SELECT count(*) FROM users",
    "row of a key": "SELECT * FROM users WHERE id = 4242",
    "sums of 5,000 groups": (
        "SELECT max(balances) FROM (SELECT sum(balance) AS balances FROM users GROUP BY last_name)"
    ),
    "every column": "SELECT count(DISTINCT hash(COLUMNS(*))) FROM users",
}


@dataclass(frozen=True)
class Measurement:
    """One query of one archive."""

    changes: int
    compacted: bool
    files: int
    mebibytes: int
    """of all files"""
    query: str
    seconds: float
    cpu_seconds: float
    """of all threads; other programs on the machine change it less"""
    peak_mebibytes: int
    """of the process's memory"""


def main() -> int:
    """Measure and write the result."""
    arguments = _arguments()
    measured = []
    described = machine.describe()
    stand_in = s3_stand_in() if arguments.s3 else nullcontext()
    folder_of_files = tempfile.TemporaryDirectory(
        prefix="datapipe-bench-sql-", dir=arguments.folder
    )
    with folder_of_files as folder, stand_in as s3:
        for changes in arguments.changes or (SIZES_ON_S3 if arguments.s3 else SIZES):
            for one in _measure(Path(folder), changes, s3):
                print(json.dumps(asdict(one)), file=sys.stderr, flush=True)
                measured.append(asdict(one))
    document = {
        "machine": described.model_dump(),
        "revision": revision(),
        "queries": QUERIES,
        "s3": arguments.s3,
        "measurements": measured,
    }
    output = arguments.output or (OUTPUT_OF_S3 if arguments.s3 else OUTPUT)
    output.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _measure(folder: Path, changes: int, s3: str | None) -> Iterator[Measurement]:
    """Measure all queries; `s3` is the address of the stand-in that has the files, if any."""
    for compacted in (False, True):
        files = folder / f"{changes}-{compacted}"
        files.mkdir()
        _write(files, changes, compacted)
        place = str(files) if s3 is None else _uploaded(files, s3)
        for query, text in QUERIES.items():
            # A process that was used before would show the memory of its earlier query.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                seconds, cpu, peak = process.submit(run_query, place, s3, text).result()
            paths = list(files.iterdir())
            size = sum(path.stat().st_size for path in paths) >> 20
            yield Measurement(changes, compacted, len(paths), size, query, seconds, cpu, peak)
        for path in files.iterdir():
            path.unlink()


def _write(folder: Path, changes: int, compacted: bool) -> None:
    keys = changes // CHANGES_A_KEY
    inverse = pow(STEP, -1, keys)
    rows = COMPACTED_ROWS if compacted else COMMIT_ROWS
    numbers = BY_KEY if compacted else IN_ORDER
    with duckdb.connect() as database:
        for first in range(0, changes, rows):
            chosen = numbers.format(
                rounds=CHANGES_A_KEY,
                keys=keys,
                inverse=inverse,
                first=first,
                end=min(first + rows, changes),
            )
            query = CHANGES.format(step=STEP, keys=keys, last=changes - keys, numbers=chosen)
            file = folder / f"{first:012}.parquet"
            database.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


def _uploaded(folder: Path, s3: str) -> str:
    """Return the place in the bucket of the files, which are copied there."""
    files, place = file_system(s3), f"{BUCKET}/{folder.name}"
    files.create_dir(BUCKET)
    pyarrow.fs.copy_files(
        str(folder),
        place,
        source_filesystem=pyarrow.fs.LocalFileSystem(),
        destination_filesystem=files,
    )
    return place


def run_query(folder: str, s3: str | None, query: str) -> tuple[float, float, int]:
    """Return seconds and CPU seconds from opening the archive to the result, and MiB of memory."""
    began, cpu_before = time.monotonic(), time.process_time()
    declared = tuple((name, type_) for name, (_, type_) in COLUMNS.items())
    source = ArchivedSource(
        SourceDatabase("postgres", "shop"),
        {"public.users": DescribedTable(("id",), declared)},
        lambda _: _files(folder, s3),
        in_own_schemas=True,
        schema=None,
    )
    with Session([source], log=print) as session:
        session.connection.execute(query).fetchall()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu_before
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _files(folder: str, s3: str | None) -> ArchivedFiles:
    files = pyarrow.fs.LocalFileSystem() if s3 is None else file_system(s3)
    found = files.get_file_info(pyarrow.fs.FileSelector(folder))
    paths = sorted(found, key=lambda one: posixpath.basename(one.path))
    schema = pyarrow.parquet.read_schema(paths[0].path, filesystem=files)
    fragments = [FORMAT.make_fragment(one.path, files, file_size=one.size) for one in paths]
    dataset = pyarrow.dataset.FileSystemDataset(fragments, schema, FORMAT, files)
    stored = tuple(StoredColumn(name, name, kind) for name, (kind, _) in COLUMNS.items())
    layout = Layout(dataset, tuple((name, name) for name in schema.names))
    return ArchivedFiles((layout,), stored, schema, len(paths))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-sql",
        description=__doc__,
        epilog="Exit codes: 0 done; 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", help="not used: no stack is needed")
    parser.add_argument(
        "--changes",
        type=int,
        nargs="+",
        help="sizes of the history, powers of ten or five times one; by default 1, 10 and 50"
        " million, with --s3 1 million",
    )
    parser.add_argument("--s3", action="store_true", help="read the files from a stand-in for S3")
    parser.add_argument("--folder", type=Path, help="where the archives are made, some 2 GB")
    parser.add_argument("--output", type=Path, help="docs/bench/sql.json, with --s3 sql-s3.json")
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
