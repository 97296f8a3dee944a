"""The snapshot and the stream of TPC-H from an existing server, with every row compared.

`python -m bench.tpch --stack sandbox` needs a deployed stack whose file has the sample database
tpch (make sample-databases), and that does not capture it yet. It deploys the stack, measures until
the last row is archived, changes rows at a rate, compares the archive with the database, and counts
the rows that the archive has more than once. With --kill-at the worker is killed during the
snapshot. It writes docs/bench/tpch-sf1.json at scale factor 1.
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
from bench.repeated_rows import repeated_rows
from bench.sampling import Topics
from bench.tpch_result import Kill, Phase, TpchResult, Verified, faults, output_of
from bench.tpch_usage import UsageMeter
from bench.tpch_watched import Watched
from bench.worker_killer import WorkerKiller, add_kill_at
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
from workload.option_numbers import not_negative, positive
from workload.progress import Log, Progress

SOURCE = "tpch"
POLL_SECONDS = 2.0
# Once no row has arrived for so long, none will.
SETTLE_SECONDS = 90.0
REPORT_SECONDS = 20.0
TABLES = tuple(f"public.{table}" for table in tpch.TABLES)


class TpchBench:
    """One snapshot and one stream, on a deployed stack."""

    def __init__(self, stack: str, outputs: StackOutputs, server: SampleServer, log: Log) -> None:
        self._stack, self._outputs, self._server, self._log = stack, outputs, server, log
        self._files = IcebergFiles(outputs.model_copy(update={"archive": _archive(outputs)}))

    def snapshot(self, rows: int, kill_at: float) -> tuple[Phase, Kill | None]:
        """Deploy the stack with the source, and wait until its rows are archived.

        The worker is killed when this share of them is archived; 0: never. Raises StackError if the
        update fails.
        """
        cluster = Cluster(self._outputs)
        killer = WorkerKiller(cluster, kill_at, rows, self._log) if kill_at else None
        meter = UsageMeter(cluster, self._server)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                update_command(self._stack), cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT
            )
            watched: Watched | None = None
            try:
                watched = self._watch(meter, rows, process, killer=killer)
            finally:
                if watched is None:
                    process.terminate()
                process.wait()
            if process.returncode != 0:
                output.seek(0)
                raise StackError(f"pulumi up failed:\n{output.read().decode()[-2000:]}")
        return watched.phase(meter, rows), watched.kill(killer) if killer else None

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
        killer: WorkerKiller | None = None,
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
            if killer is not None:
                killer.note(watched.archived, watched.unread)
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
        return sum(self._files.row_count(table) for table in TABLES)

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
    output: Path = arguments.output or output_of(result.scale_factor)
    output.write_text(result.model_dump_json(indent=1, by_alias=True) + "\n")
    phases = [result.snapshot, *([result.stream] if result.stream else [])]
    found = faults(result, is_killed=arguments.kill_at > 0)
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
    snapshot, kill = bench.snapshot(sum(rows.values()), arguments.kill_at)
    stream = (
        bench.stream(arguments.rate, arguments.seconds, snapshot.archived)
        if arguments.seconds
        else None
    )
    log("comparing every row with PostgreSQL (make verify)")
    captured = read_outputs(arguments.stack).of(SOURCE)
    verified = _verify(captured, log)
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
        verified=verified,
        kill=kill,
        repeated=repeated_rows(pipeline_of(captured), captured.tables, log),
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
    parser.add_argument("--rate", type=positive, default=1000, help="row changes per second")
    parser.add_argument("--seconds", type=not_negative, default=60, help="of changes; 0: none")
    add_kill_at(parser, default=0)
    parser.add_argument("--output", type=Path, help="by default the file of the scale factor")
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
