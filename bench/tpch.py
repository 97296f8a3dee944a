"""The snapshot and the stream of TPC-H from an existing server, with every row compared.

`python -m bench.tpch --stack sandbox` needs a deployed stack whose file has the sample database
tpch (make sample-databases), and that does not capture it yet. It deploys the stack, measures until
the last row is archived, changes rows at a rate, and compares the archive with the database. It
writes docs/bench/tpch.json.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException

from bench import machine
from bench.iceberg_files import IcebergFiles
from bench.sampling import Topics
from bench.tpch_result import OUTPUT, Phase, TpchResult, Verified
from bench.tpch_usage import UsageMeter
from clients.cluster import Cluster
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import PROJECT, ArchiveOutput, StackError, StackOutputs, read_outputs
from clients.update import update_command
from sample_databases import tpch
from sample_databases.server import SampleServer
from sample_databases.tpch_load import Done, TpchLoad
from tools.errors import UserError
from verification.commands import pipeline_of
from verification.compare import compare_all
from verification.options import Options
from verification.report import print_results
from workload.machine import revision
from workload.progress import Log, Progress

SOURCE = "tpch"
POLL_SECONDS = 2.0
# Once no row has arrived for so long, none will.
SETTLE_SECONDS = 90.0
REPORT_SECONDS = 20.0
TABLES = tuple(f"public.{table}" for table in tpch.TABLES)


class Watched:
    """What was seen of a phase."""

    def __init__(self, before: int, began: float | None) -> None:
        self._before, self.began = before, began
        self._first_written: int | None = None
        self._ended_at: float | None = None
        self.archived, self.unread, self._most_unread = 0, 0, 0
        self.changed_at = time.time()

    def ended_at(self, ended: bool) -> float:
        """Return when the work ended; now, if it has not."""
        if ended and self._ended_at is None:
            self._ended_at = time.time()
        return self._ended_at or time.time()

    def note(self, archived: int, written: int | None) -> None:
        """Note how many rows are archived and written, since the archive's beginning."""
        archived -= self._before
        if archived != self.archived:
            self.archived, self.changed_at = archived, time.time()
        if written is not None:
            if self._first_written is None:
                self._first_written = written if self._before else 0
            self.unread = max(0, written - self._first_written - archived)
            self._most_unread = max(self._most_unread, self.unread)

    def phase(self, meter: UsageMeter, rows: int) -> Phase:
        """Return the figures."""
        began = self.began if self.began is not None else self.changed_at
        return Phase(
            rows=rows,
            archived=self.archived,
            seconds=round(self.changed_at - began, 1),
            machine_cpu_seconds=round(meter.machine_cpu_seconds, 1),
            most_unread=self._most_unread,
            used=meter.used(),
        )


class TpchBench:
    """One snapshot and one stream, on a deployed stack."""

    def __init__(self, stack: str, outputs: StackOutputs, server: SampleServer, log: Log) -> None:
        self._stack, self._outputs, self._server, self._log = stack, outputs, server, log
        self._files = IcebergFiles(outputs.model_copy(update={"archive": _archive(outputs)}))

    def snapshot(self, rows: int) -> Phase:
        """Deploy the stack with the source, and wait until its rows are archived.

        Raises StackError if the update fails.
        """
        meter = UsageMeter(Cluster(self._outputs), self._server)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                update_command(self._stack), cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT
            )
            watched: Watched | None = None
            try:
                watched = self._watch(meter, rows, process)
            finally:
                if watched is None:
                    process.terminate()
                process.wait()
            if process.returncode != 0:
                output.seek(0)
                raise StackError(f"pulumi up failed:\n{output.read().decode()[-2000:]}")
        return watched.phase(meter, rows)

    def stream(self, rate: float, seconds: float, archived: int) -> Phase:
        """Change rows at a rate, and wait until the changes are archived."""
        self._log(f"changing {rate:,.0f} rows per second for {seconds:.0f} s")
        meter = UsageMeter(Cluster(self._outputs), self._server)
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(TpchLoad(self._server, rate).run, seconds)
            watched = self._watch(meter, None, load, archived)
            done = load.result()
        phase = watched.phase(meter, done.changes)
        return phase.model_copy(update={"load_seconds": round(done.seconds, 1)})

    def _watch(
        self,
        meter: UsageMeter,
        rows: int | None,
        work: "subprocess.Popen[bytes] | Future[Done]",
        before: int = 0,
    ) -> Watched:
        """Sample until the work has ended and its rows are archived, or none arrives any more."""
        watched = Watched(before=before, began=time.time() if rows is None else None)
        reported = 0.0
        while True:
            time.sleep(POLL_SECONDS)
            meter.find()
            meter.sample()
            if watched.began is None and self._slot_exists():
                watched.began = time.time()
                meter.restart()
                self._log("the source connector has created its slot")
            watched.note(self._archived(), self._written())
            ended = work.done() if isinstance(work, Future) else work.poll() is not None
            if ended and isinstance(work, Future):
                rows = work.result().changes
            if ended and not isinstance(work, Future) and work.returncode != 0:
                return watched
            complete = rows is not None and watched.archived >= rows
            quiet = time.time() - max(watched.changed_at, watched.ended_at(ended)) > SETTLE_SECONDS
            if ended and (complete or quiet):
                return watched
            if time.monotonic() - reported > REPORT_SECONDS:
                self._log(f"{watched.archived:,} rows archived, {watched.unread:,} unread")
                reported = time.monotonic()

    def _slot_exists(self) -> bool:
        with suppress(psycopg.OperationalError):
            return bool(
                self._server.execute("SELECT 1 FROM pg_replication_slots WHERE NOT temporary")
            )
        return False

    def _archived(self) -> int:
        return sum(commit.rows for table in TABLES for commit in self._files.commits(table, 0))

    def _written(self) -> int | None:
        """Return the records of the topics; None before they exist, or if no broker answers."""
        with suppress(KafkaException):
            topics = [f"{SOURCE}.{table}" for table in TABLES]
            return Topics(self._outputs.kafka, topics).end()
        return None


def main() -> int:
    """Return 0 if every row is archived once and equal, otherwise 1."""
    arguments = _arguments()
    log = Progress("tpch").log
    try:
        result = _run(arguments, log)
    except (StackError, UserError) as error:
        print(f"tpch: {error}", file=sys.stderr)
        return 1
    output: Path = arguments.output
    output.write_text(result.model_dump_json(indent=1, by_alias=True) + "\n")
    phases = [result.snapshot, *([result.stream] if result.stream else [])]
    found = [
        *(f"{phase.archived:,} of {phase.rows:,} rows archived" for phase in phases
          if phase.archived != phase.rows),
        *result.verified.differing,
    ]  # fmt: skip
    for phase in phases:
        log(f"{phase.archived:,} rows in {phase.seconds:,.0f} s: {phase.rate:,.0f} per second")
    for fault in found:
        print(f"tpch: {fault}", file=sys.stderr)
    return 1 if found else 0


def _run(arguments: argparse.Namespace, log: Log) -> TpchResult:
    outputs, server = read_outputs(arguments.stack), SampleServer.open(SOURCE)
    if SOURCE in outputs.sources:
        raise StackError(
            f"the stack captures {SOURCE} already, and its snapshot is what is measured; run"
            " make down, then make up without it"
        )
    at, described = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), machine.describe()
    rows = tpch.rows(server)
    bench = TpchBench(arguments.stack, outputs, server, log)
    snapshot = bench.snapshot(sum(rows.values()))
    stream = (
        bench.stream(arguments.rate, arguments.seconds, snapshot.archived)
        if arguments.seconds
        else None
    )
    log("comparing every row with PostgreSQL (make verify)")
    return TpchResult(
        at=at,
        revision=revision(),
        machine=described,
        postgresql=server.description.version,
        scale_factor=tpch.scale_factor_of(server),
        rows=rows,
        database_bytes=int(_value(server, "SELECT pg_database_size(current_database())")),
        snapshot=snapshot,
        stream=stream,
        verified=_verify(read_outputs(arguments.stack).of(SOURCE), log),
    )


def _verify(outputs: StackOutputs, log: Log) -> Verified:
    results = list(compare_all(pipeline_of(outputs), outputs.tables, Options(), log))
    print_results(console(), results, show_values=False)
    return Verified(
        tables=len(results),
        rows=sum(result.rows for result in results),
        differing=tuple(
            f"{result.table}: {result.error or 'differs'}"
            for result in results
            if result.differs or not result.is_compared
        ),
    )


def _value(server: SampleServer, query: str) -> int:
    ((value,),) = server.execute(query)
    return int(value)


def _archive(outputs: StackOutputs) -> ArchiveOutput:
    """Return the archive of the source, which the stack does not have yet."""
    database = f"{outputs.archive.catalog_database}_{SOURCE}"
    return outputs.archive.model_copy(update={"tables": {}, "catalog_database": database})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-tpch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit codes: 0 every row is archived once and equal; 1 otherwise;"
        " 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--rate", type=float, default=1000, help="row changes per second")
    parser.add_argument("--seconds", type=float, default=60, help="of changes; 0: none")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
