"""One run of the bench: warm up, load and measure, wait for the archive, compare."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench import ceilings, machine, result_builder
from bench.archive_reader import archived_rows, commits_of, wait_for_rows
from bench.containers import Container, containers
from bench.iceberg_files import IcebergFiles
from bench.journal import BatchJournal
from bench.load import Load
from bench.result import Reference, Result
from bench.sampling import Sampler, Topics
from bench.schedule import Schedule
from clients import database
from clients.cluster import Cluster
from clients.stack import StackError, StackOutputs
from workload.progress import Log
from workload.source import Connect
from workload.timeouts import Timeouts

# Between the first sample and the load, so that the load's first second is sampled.
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class RunSettings:
    """What a bench does."""

    schedule: Schedule
    width: int
    """characters of the text columns"""
    warm_up: float
    """seconds of the same load before the measured one; a fresh JVM is several times slower"""
    references: float
    """seconds for each stage alone; 0: none"""
    timeouts: Timeouts


class LateRowsError(StackError):
    """The archive has not taken a warm-up's rows in time, so the load is not measured."""


class Observer:
    """Is called while a bench runs; a subclass measures what the bench does not."""

    def started(self) -> None:
        """Do nothing at the start of the load, after the warm-up."""

    def archived(self) -> None:
        """Do nothing when everything is archived."""

    def settle(self, seconds: float) -> None:
        """Let the time pass in which duplicates may arrive; nothing loads the stack then."""
        time.sleep(seconds)


class Bench:
    """A bench of a deployed stack."""

    def __init__(self, outputs: StackOutputs, log: Log) -> None:
        """Connect to the stack. Raises StackError if it cannot be measured."""
        self._outputs, self._log = outputs, log
        self._cluster = Cluster(outputs)
        self._files = IcebergFiles(outputs)
        self._connect: Connect = lambda: database.connect(outputs)
        self._containers = _measured(self._cluster)

    @property
    def cluster(self) -> Cluster:
        """The cluster that the pipeline runs in."""
        return self._cluster

    def run(self, settings: RunSettings, observer: Observer | None = None) -> Result:
        """Run the bench.

        Raises LateRowsError if the warm-up's rows are not readable in time, and StackError if a
        part of the pipeline cannot be used.
        """
        watching = observer or Observer()
        if settings.warm_up:
            self._log(f"warming up for {settings.warm_up:.0f} s")
            self._warm_up(replace(settings.schedule, seconds=settings.warm_up), settings)
        described, restarts = machine.describe(), self._restarts()
        topics = Topics(self._outputs.kafka, self._outputs.topics)
        with self._loaded(settings, topics, watching) as (journal, sampler):
            self._log("waiting for the archive")
            late = wait_for_rows(self._files, journal, settings.timeouts)
            watching.archived()
        commits = commits_of(self._files, journal)
        references = self._references(settings, journal) if settings.references else []
        self._log("comparing every row")
        # What is late has had its time.
        timeouts = replace(settings.timeouts, arrival=0) if late else settings.timeouts
        with archived_rows(self._files, journal, timeouts, watching.settle) as comparison:
            recording = result_builder.Recording(
                journal=journal,
                samples=sampler.samples,
                commits=commits,
                containers=self._containers,
                comparison=comparison,
                restarts=self._restarts() - restarts,
                machine=described,
            )
            return result_builder.build_result(recording, references)

    @contextmanager
    def _loaded(
        self, settings: RunSettings, topics: Topics, observer: Observer
    ) -> Iterator[tuple[BatchJournal, Sampler]]:
        """Give the load's journal when it is over; sampling goes on until the block ends."""
        schedule = settings.schedule
        with Load(self._connect, schedule, settings.width) as load:
            sampler = Sampler(self._connect, topics, self._containers, load.rows)
            with sampler:
                time.sleep(QUIET_SECONDS)
                self._log(f"{schedule.rate:,.0f} rows per second for {schedule.seconds:.0f} s")
                observer.started()
                load.start()
                yield load.wait(), sampler

    def _warm_up(self, schedule: Schedule, settings: RunSettings) -> None:
        with Load(self._connect, schedule, settings.width) as load:
            load.start()
            journal = load.wait()
        late = wait_for_rows(self._files, journal, settings.timeouts)
        if late:
            raise LateRowsError(
                f"the warm-up's rows are not in the archive {settings.timeouts.arrival:.0f} s after"
                f" its end: {sum(late.values()):,} rows of {len(late)} of {len(journal.tables)}"
                f" tables are missing, such as {min(late)}; see make status"
            )

    def _references(self, settings: RunSettings, journal: BatchJournal) -> list[Reference]:
        schedule = replace(
            settings.schedule,
            rate=None,
            seconds=settings.references,
            connections=2 * settings.schedule.connections,
            schemas=(ceilings.SCHEMA,),
        )
        return ceilings.measure_all(
            self._outputs,
            self._cluster,
            self._connect,
            files=self._files,
            schedule=schedule,
            since=journal.began,
            log=self._log,
        )

    def _restarts(self) -> int:
        return sum(pod.restarts for pod in self._cluster.pods())


def _measured(cluster: Cluster) -> list[Container]:
    found = containers(cluster)
    if not found:
        raise StackError(
            "the cgroups of the pipeline's containers are not on this machine; the bench must run"
            " on the stack's node, such as the sandbox's"
        )
    return found
