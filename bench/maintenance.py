"""Measures what the archive's maintenance costs a load: the same load without and with it.

`python -m bench.maintenance --stack sandbox` puts two short loads on the stack. During the second
the maintenance runs again and again, with settings by which every step has work: it merges the
files of the present hour, expires all but a few snapshots, and rewrites manifests. Every row is
compared.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.archive_reader import add_archived, compared_columns, expected_rows
from bench.iceberg_files import DataFile, IcebergFiles
from bench.journal import BatchJournal
from bench.load import Load
from bench.maintenance_result import (
    OUTPUT,
    Comparison,
    Run,
    Trial,
    latencies,
    percentile,
    table,
)
from bench.run import Bench
from bench.schedule import Schedule
from bench.snapshot_log import SnapshotLog
from bench.warm_up import warm_jvms
from clients import database
from clients.archive import IcebergArchive
from clients.cluster import Cluster
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import StackError, StackOutputs, read_managed
from polling import poll_until
from workload.background import Background
from workload.machine import revision
from workload.maintenance import (
    EAGER,
    LOG_LINES,
    NAME,
    RUN_SECONDS,
    create_settings,
    delete_settings,
    maintenance_run,
)
from workload.option_numbers import positive, whole_number
from workload.progress import Log, Progress

# Of the load without maintenance, before the first run and after the last.
LEAD_SECONDS = 10
ARRIVAL_SECONDS, POLL_SECONDS = 180, 2
# A duplicate comes after its original; more than the sandbox's commit interval.
SETTLE_SECONDS = 15


@dataclass
class Maintainer:
    """Runs the maintenance again and again on a thread, until the end of the block."""

    cluster: Cluster
    log: Log
    runs: list[Run] = field(default_factory=list)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Start after a while. Raises StackError at the end if a run failed, or none was made."""
        with Background(self._work, name="the maintenance", end_seconds=RUN_SECONDS):
            yield
        if not self.runs:
            raise StackError("no maintenance ended during the load")

    def _work(self, stop: threading.Event) -> None:
        stop.wait(LEAD_SECONDS)
        for number in itertools.count():
            if stop.is_set():
                return
            self.runs.append(self._run(number))
            self.log(f"maintenance: {self.runs[-1]}")

    def _run(self, number: int) -> Run:
        run, began = maintenance_run(self.cluster, number), time.monotonic()
        try:
            run.start(config=NAME)
            if not run.wait(RUN_SECONDS):
                raise StackError(run.log(LOG_LINES))
            seconds = round(time.monotonic() - began, 1)
            return read_run(run.log(10_000), seconds)
        finally:
            run.delete()


def read_run(log: str, seconds: float) -> Run:
    """Return what a run's log reports, in one JSON object for each table."""
    reports = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    if not reports:
        raise StackError(f"the maintenance reported on no table:\n{log}")
    return Run(
        seconds=seconds,
        rewritten=sum(int(report["rewritten"]) for report in reports),
        expired=sum(int(report["expired"]) for report in reports),
    )


class MaintenanceBench:
    """Puts loads on a stack and reads its archive, whatever becomes of its files."""

    def __init__(self, outputs: StackOutputs, log: Log) -> None:
        self._outputs, self._log = outputs, log
        self._files, self._archive = IcebergFiles(outputs), IcebergArchive(outputs.archive)

    def measure(self, schedule: Schedule, maintainer: Maintainer | None) -> Trial:
        """Put a load on the stack, with or without maintenance."""
        with SnapshotLog(self._outputs) as snapshots:
            with Load(lambda: database.connect(self._outputs), schedule) as load:
                load.start()
                if maintainer is None:
                    journal = load.wait()
                else:
                    with maintainer.working():
                        journal = load.wait()
            self._log("waiting for the archive")
            since = journal.began

            def is_complete() -> bool:
                return snapshots.rows(since) >= journal.rows

            try:
                poll_until(
                    is_complete,
                    timeout=ARRIVAL_SECONDS,
                    interval=POLL_SECONDS,
                    description="the archive",
                )
            except TimeoutError:
                self._log("not everything has arrived in time")
            time.sleep(SETTLE_SECONDS)
            readable = snapshots.readable(since)
        self._log("comparing every row")
        return self._trial(journal, readable, maintainer)

    def _trial(
        self,
        journal: BatchJournal,
        readable: Sequence[tuple[float, int]],
        maintainer: Maintainer | None,
    ) -> Trial:
        committed = sorted((each.at, each.batch.rows) for each in journal.committed)
        delays = latencies(committed, readable)
        files = snapshots = 0
        with expected_rows(journal) as comparison:
            for table in journal.tables:
                found = self._archive.find(table)
                if found is None:
                    continue
                snapshots += len(found.metadata.snapshots)
                columns = compared_columns(table)
                for task in found.scan(f"__source_lsn >= {journal.first_lsn}").plan_files():
                    files += 1
                    file = DataFile(task.file.file_path, 0, 0, 0)
                    rows = self._files.rows(table, file, columns)
                    add_archived(comparison, journal, table, rows, 0)
            tables = comparison.tables()
        seconds = committed[-1][0] - journal.began
        return Trial(
            rows=journal.rows,
            committed_rate=round(journal.rows / seconds, 1),
            archived_rate=round(journal.rows / (readable[-1][0] - journal.began), 1),
            latency_p50=round(percentile(delays, 0.5), 1),
            latency_p95=round(percentile(delays, 0.95), 1),
            latency_max=round(delays[-1][0], 1),
            missing=sum(table.missing for table in tables),
            duplicated=sum(table.duplicated for table in tables),
            altered=sum(table.altered for table in tables),
            files=files,
            snapshots=snapshots,
            runs=tuple(maintainer.runs) if maintainer else (),
        )


def main() -> int:
    """Return 0 if no row was lost or duplicated, otherwise 1."""
    arguments = _arguments()
    log = Progress("bench-maintenance").log
    try:
        outputs = read_managed(arguments.stack)
        cluster, measured = Cluster(outputs), MaintenanceBench(outputs, log)
        described = machine.describe()
        log(f"warming up the JVMs for {arguments.warm_up} s")
        if arguments.warm_up:
            warm_jvms(Bench(outputs, log), seconds=arguments.warm_up)
        schedule = Schedule(seconds=arguments.seconds, rate=arguments.rate)
        log("without maintenance")
        without = measured.measure(schedule, None)
        log("with maintenance")
        create_settings(cluster, EAGER)
        try:
            maintained = measured.measure(schedule, Maintainer(cluster, log))
        finally:
            delete_settings(cluster)
    except StackError as error:
        print(f"bench-maintenance: {error}", file=sys.stderr)
        return 1
    result = Comparison(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=revision(),
        cores=described.cores,
        rate=arguments.rate,
        seconds=arguments.seconds,
        without=without,
        maintained=maintained,
    )
    arguments.output.write_text(result.model_dump_json(indent=1) + "\n")
    console().print(table(result), soft_wrap=True)
    wrong = [each.missing + each.duplicated + each.altered for each in (without, maintained)]
    return 1 if any(wrong) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-maintenance",
        description=__doc__,
        epilog="Exit codes: 0 no row was lost or duplicated; 1 otherwise; 2 wrong usage;"
        " 130 interrupted.",
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--rate", type=positive, default=4000, help="row changes per second")
    parser.add_argument("--seconds", type=positive, default=120, help="duration of each load")
    parser.add_argument(
        "--warm-up", type=whole_number(0), default=30, help="seconds of load before both"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
