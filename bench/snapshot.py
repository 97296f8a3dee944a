"""The first snapshot of a large table, with the worker killed in the middle of it.

`python -m bench.snapshot --stack sandbox` creates a table of ten million rows, lets `pulumi up` add
it to the stack, kills the Connect worker when some of its rows are archived, and counts what the
archive has after the last row. It writes docs/bench/snapshot.json and removes the table again.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from bench import machine, sample_schema
from bench.containers import Container, containers
from bench.iceberg_files import IcebergFiles
from bench.result import Machine, Part
from bench.worker_killer import WorkerKiller, add_kill_at
from clients import database
from clients.cluster import Cluster
from clients.console import console
from clients.database import Row
from clients.ending import run_and_exit
from clients.stack import PROJECT, StackError, StackOutputs, read_managed
from clients.update import changed_stack_file, remove_tables, update_command
from workload.machine import revision
from workload.option_numbers import whole_number
from workload.progress import Log, Progress

OUTPUT = PROJECT / "docs/bench/snapshot.json"
SCHEMA, NAME = "bench_snapshot", "readings"
TABLE = f"{SCHEMA}.{NAME}"
# Rows per transaction while the table is filled: logical decoding holds one in memory.
BATCH = 200_000
POLL_SECONDS = 2.0
# Once no row has arrived for so long, none will.
SETTLE_SECONDS = 60.0
EXIT_SECONDS = 30

# Every value follows from the key, so that the archive can be checked without a second copy.
FILL = (
    "INSERT INTO {table} (id, sensor, measured_at, value, label)"
    " SELECT n, n %% 1000, timestamptz '2026-01-01' + n * interval '1 second', n / 8.0,"
    " md5(n::text)"
    " FROM generate_series(%s, %s) AS n"
)
COLUMNS = ("id", "sensor", "value", "label")
ARCHIVED = "CREATE TABLE archived (id BIGINT, sensor INTEGER, value DOUBLE, label VARCHAR)"
# The row of a TRUNCATE, with which the reading begins, has no key.
ADD = "INSERT INTO archived SELECT id, sensor, value, label FROM rows_read WHERE id IS NOT NULL"
COUNT = """
SELECT count(*), count(DISTINCT id),
    count(*) FILTER (label <> md5(id::VARCHAR) OR sensor <> id % 1000 OR value <> id / 8.0)
FROM archived
"""


class Peak(Part):
    """The most memory that a container held, in bytes."""

    container: str
    held: int
    limit: int


class Snapshot(Part):
    """The result, in seconds, bytes and rows."""

    at: str
    revision: str
    machine: Machine
    rows: int
    table_bytes: int
    """in PostgreSQL, including its index"""
    making: float
    """seconds to create and fill the table"""
    killed_at: int | None
    """rows that were archived when the worker was killed"""
    update: float
    """seconds of `pulumi up`, which waits until all rows are in their topic"""
    archiving: float
    """seconds from the start of the update to the last archived row"""
    archived: int
    """rows in the archive"""
    missing: int
    repeated: int
    """archived more than once"""
    altered: int
    out_of_memory_kills: int
    peaks: tuple[Peak, ...]

    @property
    def rate(self) -> float:
        """Rows archived per second, including repeated ones."""
        return self.archived / self.archiving


class SnapshotBench:
    """One snapshot of a large table, on a deployed stack."""

    def __init__(self, stack: str, outputs: StackOutputs, log: Log) -> None:
        self._stack, self._outputs, self._log = stack, outputs, log
        self._cluster, self._files = Cluster(outputs), IcebergFiles(outputs)
        self._peaks: dict[str, Peak] = {}
        self._containers: dict[str, Container] = {}
        self._kills: dict[str, int] = {}

    def run(self, rows: int, kill_at: float) -> Snapshot:
        """Create the table, add it, kill the worker at a share of the rows, and count.

        With a share of 0 nothing is killed. Raises StackError if the update fails.
        """
        killer = WorkerKiller(self._cluster, kill_at, rows, self._log) if kill_at else None
        at, described = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), machine.describe()
        began = time.monotonic()
        with database.connect(self._outputs) as connection:
            size = self._fill(connection, rows)
        making = time.monotonic() - began
        settings = {"datapipe:tables": [*self._outputs.tables, TABLE]}
        began = time.monotonic()
        with changed_stack_file(self._stack, settings) as file, tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                update_command(self._stack, file),
                cwd=PROJECT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                updated, archived_at = self._watch(process, killer)
            finally:
                process.terminate()
                process.wait(EXIT_SECONDS)
            if process.returncode != 0:
                output.seek(0)
                raise StackError(f"pulumi up failed:\n{output.read().decode()[-2000:]}")
        archived, distinct, altered = self._count()
        return Snapshot(
            at=at,
            revision=revision(),
            machine=described,
            rows=rows,
            table_bytes=size,
            making=round(making, 1),
            killed_at=killer.archived if killer else None,
            update=round(updated - began, 1),
            archiving=round(archived_at - began, 1),
            archived=archived,
            missing=rows - distinct,
            repeated=archived - distinct,
            altered=altered,
            out_of_memory_kills=sum(self._kills.values()),
            peaks=tuple(self._peaks.values()),
        )

    def clean(self) -> None:
        """Remove the table from the stack, the database and the archive."""
        self._log("pulumi up removes the table")
        remove_tables(self._stack, [TABLE])
        with database.connect(self._outputs) as connection:
            sample_schema.drop(connection, SCHEMA)
        self._files.purge(TABLE)

    def _fill(self, connection: psycopg.Connection[Row], rows: int) -> int:
        """Create and fill the table; return its size in bytes."""
        table = sql.Identifier(SCHEMA, NAME)
        sample_schema.drop(connection, SCHEMA)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} (id BIGINT PRIMARY KEY, sensor INTEGER NOT NULL,"
                " measured_at TIMESTAMPTZ NOT NULL, value DOUBLE PRECISION NOT NULL,"
                " label TEXT NOT NULL)"
            ).format(table)
        )
        for first in range(1, rows + 1, BATCH):
            last = min(first + BATCH - 1, rows)
            connection.execute(sql.SQL(FILL).format(table=table), [first, last])
            self._log(f"{last:,} rows inserted")
        row = connection.execute("SELECT pg_total_relation_size(%s) AS size", [TABLE]).fetchone()
        return int(row["size"]) if row else 0

    def _watch(
        self, process: "subprocess.Popen[bytes]", killer: WorkerKiller | None
    ) -> tuple[float, float]:
        """Return when update and archiving ended (monotonic)."""
        updated: float | None = None
        archived, archived_at, reported_at = 0, time.monotonic(), 0.0
        while True:
            time.sleep(POLL_SECONDS)
            now, present = time.monotonic(), self._archived()
            self._measure()
            if present != archived:
                archived, archived_at = present, now
            if killer is not None:
                killer.note(archived)
            if updated is None and process.poll() is not None:
                updated = now
                self._log("pulumi up has ended")
            if updated is not None and (
                process.returncode != 0 or now - max(archived_at, updated) > SETTLE_SECONDS
            ):
                return updated, archived_at
            if now - reported_at > SETTLE_SECONDS:
                self._log(f"{archived:,} rows archived")
                reported_at = now

    def _archived(self) -> int:
        return self._files.row_count(TABLE)

    def _measure(self) -> None:
        for label, container in self._containers.items():
            try:
                usage = container.usage()
            except FileNotFoundError:
                self._containers = {}  # restarted: there is a new container
                return
            best = self._peaks.get(label)
            if best is None or usage.held > best.held:
                self._peaks[label] = Peak(
                    container=label, held=usage.held, limit=container.memory_limit
                )
            self._kills[label] = max(self._kills.get(label, 0), usage.out_of_memory_kills)
        if not self._containers:
            self._containers = {each.label: each for each in containers(self._cluster)}

    def _count(self) -> tuple[int, int, int]:
        """Return the archive's rows, its distinct keys, and its altered rows."""
        self._log("counting the archived rows")
        with duckdb.connect() as memory:
            memory.execute(ARCHIVED)
            for file in self._files.files(TABLE, 0):
                memory.register("rows_read", self._files.rows(TABLE, file, COLUMNS))
                memory.execute(ADD)
            ((archived, distinct, altered),) = memory.execute(COUNT).fetchall()
        return int(archived), int(distinct), int(altered)


def main() -> int:
    """Return 0 if every row is archived once and unaltered, otherwise 1."""
    arguments = _arguments()
    screen = console()
    try:
        outputs = read_managed(arguments.stack)
        bench = SnapshotBench(arguments.stack, outputs, Progress("snapshot").log)
        try:
            result = bench.run(arguments.rows, arguments.kill_at)
        finally:
            bench.clean()
    except StackError as error:
        print(f"snapshot: {error}", file=sys.stderr)
        return 1
    output: Path = arguments.output
    output.write_text(result.model_dump_json(indent=1, by_alias=True) + "\n")
    screen.print(result.model_dump())
    wrong = result.missing or result.repeated or result.altered
    return 1 if wrong or result.out_of_memory_kills else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-snapshot",
        epilog="Exit codes: 0 each row is archived once and unaltered; 1 otherwise;"
        " 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--rows", type=whole_number(1), default=10_000_000)
    add_kill_at(parser, default=0.3)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
