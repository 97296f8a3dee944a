"""The archive's maintenance that is killed, runs twice, or meets an S3 that fails it."""

import random
import time
from base64 import b64decode
from dataclasses import dataclass, field

from chaos import node
from chaos.fault import Fault
from chaos.faults.object_store import S3Fails
from chaos.pipeline import CONNECT, FaultError, Pipeline
from chaos.s3_proxy import Answer
from clients.archived_tables import IcebergTable, archived_tables
from clients.job_run import MAINTENANCE, JobRun
from clients.stack import StackError
from workload.maintenance import (
    EAGER,
    LAST_ONE,
    LOG_LINES,
    NAME,
    RUN_SECONDS,
    complete_run,
    create_settings,
    delete_settings,
    maintenance_run,
)

KILLS = 3
KEY_ID = "AWS_ACCESS_KEY_ID"


@dataclass
class MaintenanceFault(Fault):
    """A fault of runs of the maintenance whose every step has work.

    Once it is over, a run must succeed: maintenance goes on by itself.
    """

    runs: int = 1
    _began: bool = field(default=False, repr=False)

    def prepare(self, pipeline: Pipeline) -> None:
        self._began = True
        create_settings(pipeline.cluster, EAGER)

    def run_of(self, pipeline: Pipeline, number: int) -> JobRun:
        """Start a run."""
        run = maintenance_run(pipeline.cluster, number)
        run.start(config=NAME)
        return run

    def check(self, pipeline: Pipeline) -> list[str]:
        try:
            seconds = complete_run(pipeline.cluster, self.runs)
        except StackError as error:
            return [f"the next maintenance: {error}"]
        pipeline.log(f"{self.name}: the next maintenance took {seconds:.0f} s")
        return [
            f"{table.table} was not maintained"
            for table in tables(pipeline)
            if table.snapshots and table.maintained is None
        ]

    def restore(self, pipeline: Pipeline) -> None:
        if not self._began:
            return
        for number in range(self.runs + 1):
            maintenance_run(pipeline.cluster, number).delete()
        delete_settings(pipeline.cluster)


@dataclass
class MaintenanceKilled(MaintenanceFault):
    """SIGKILL of the maintenance at random moments of its run."""

    runs: int = KILLS
    needs_node: bool = True
    _seconds: float = field(default=0, repr=False)

    def prepare(self, pipeline: Pipeline) -> None:
        super().prepare(pipeline)
        self._seconds = complete_run(pipeline.cluster, self.runs)
        pipeline.log(f"{self.name}: a whole run takes {self._seconds:.0f} s")

    def inject(self, pipeline: Pipeline) -> None:
        killed = sum(self._kill(pipeline, number) for number in range(self.runs))
        if not killed:
            raise FaultError(f"each of {self.runs} runs had ended before it was to be killed")

    def _kill(self, pipeline: Pipeline, number: int) -> bool:
        """Start a run and kill it; return False if it had ended before."""
        run = self.run_of(pipeline, number)
        run.wait_until_running()
        moment = random.uniform(0, self._seconds)  # noqa: S311  # no secret
        time.sleep(moment)
        log = run.log(LOG_LINES).strip().splitlines()
        try:
            node.kill(pipeline, MAINTENANCE, run.pod().metadata.name)
        except FaultError:
            if run.wait(RUN_SECONDS):
                return False
            raise
        run.wait(RUN_SECONDS)
        after = f"after {log[-1]!r}" if log else "before it printed anything"
        pipeline.log(f"{self.name}: killed after {moment:.1f} s, {after}")
        return True


@dataclass
class TwoMaintenances(MaintenanceFault):
    """Two runs at the same time: at least one must succeed."""

    runs: int = 2
    _complaints: list[str] = field(default_factory=list, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        runs = [self.run_of(pipeline, number) for number in range(self.runs)]
        succeeded = [run.wait(RUN_SECONDS) for run in runs]
        pipeline.log(f"{self.name}: {sum(succeeded)} of {len(runs)} runs succeeded")
        if not any(succeeded):
            self._complaints += [f"both runs failed:\n{run.log(LOG_LINES)}" for run in runs]

    def check(self, pipeline: Pipeline) -> list[str]:
        return [*self._complaints, *super().check(pipeline)]


@dataclass
class MaintenanceWithFailingS3(MaintenanceFault):
    """S3 answers so while a run goes on."""

    answers: tuple[Answer, ...] = ()
    only_the_maintenance: bool = False
    """whether the sink's requests are answered as usual"""
    needs_node: bool = True
    _s3: S3Fails = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._s3 = S3Fails(self.name, self.does, answers=self.answers)

    def inject(self, pipeline: Pipeline) -> None:
        if self.only_the_maintenance:
            self._s3.access_key = access_key(pipeline)
        self._s3.inject(pipeline)
        self.run_of(pipeline, 0)

    def heal(self, pipeline: Pipeline) -> None:
        self._s3.heal(pipeline)

    def check(self, pipeline: Pipeline) -> list[str]:
        try:
            succeeded = maintenance_run(pipeline.cluster, 0).wait(RUN_SECONDS)
        except StackError as error:
            return [str(error)]
        pipeline.log(f"{self.name}: the run {'succeeded' if succeeded else 'failed'}")
        return super().check(pipeline)


@dataclass
class KilledAfterExpiry(MaintenanceFault):
    """SIGKILL of the worker after an expiry has left the idle tables one snapshot each."""

    pauses_load: bool = True
    needs_node: bool = True

    def inject(self, pipeline: Pipeline) -> None:
        create_settings(pipeline.cluster, LAST_ONE)
        complete_run(pipeline.cluster, 0)
        many = [table for table in tables(pipeline) if (table.snapshots or 0) > 1]
        if many:
            counts = ", ".join(f"{table.table} {table.snapshots}" for table in many)
            raise FaultError(f"the expiry left more than one snapshot: {counts}")
        for pod in pipeline.pods(CONNECT):
            node.kill(pipeline, CONNECT, str(pod.metadata.name))


def tables(pipeline: Pipeline) -> list[IcebergTable]:
    """Return the figures of the archive's tables."""
    found = archived_tables(pipeline.outputs.archive, pipeline.log)
    return [table for table in found if isinstance(table, IcebergTable)]


def access_key(pipeline: Pipeline) -> str:
    """Return the ID of the maintenance's access key."""
    secret = pipeline.core.read_namespaced_secret(MAINTENANCE, pipeline.namespace)
    return b64decode(secret.data[KEY_ID]).decode()
