"""One run of the bench: warm up, load and measure, wait for the archive, compare."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench import ceilings, machine, measurement
from bench.account import Account
from bench.archived import Commit, Lake
from bench.containers import Container, containers
from bench.load import Load
from bench.plan import Schedule
from bench.result import Reference, Result
from bench.sampling import Sampler, Topics
from bench.session import Connect
from bench.verification import Patience, verification
from clients import database
from clients.cluster import Cluster
from clients.stack import StackError, StackOutputs

QUIET_SECONDS = 2.0
"""Between the first sample and the load, so that its beginning is seen."""
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Plan:
    """What a bench does."""

    schedule: Schedule
    width: int
    warm_up: float
    """seconds of the same load before the measured one; a fresh JVM is several times slower"""
    references: float
    """seconds for each stage alone; 0: none"""
    patience: Patience


class Bench:
    """A bench of a deployed stack."""

    def __init__(self, outputs: StackOutputs, report: ceilings.Progress) -> None:
        """Raises StackError where the stack can't be measured."""
        self._outputs, self._report = outputs, report
        self._cluster = Cluster(outputs)
        self._lake = Lake(outputs)
        self._connect: Connect = lambda: database.connect(outputs)
        self._containers = _measured(self._cluster)

    @property
    def cluster(self) -> Cluster:
        """Where the pipeline runs."""
        return self._cluster

    def run(self, plan: Plan) -> Result:
        """Everything. Raises StackError where the pipeline did not take part."""
        if plan.warm_up:
            self._report(f"warming up for {plan.warm_up:.0f} s")
            self._warm_up(replace(plan.schedule, seconds=plan.warm_up), plan)
        described, restarts = machine.describe(), self._restarts()
        topics = Topics(self._outputs.bootstrap_servers, self._outputs.tables)
        with self._loaded(plan, topics) as (account, sampler):
            self._report("waiting for the archive")
            self._await(account, plan.patience)
        commits = self._commits(account)
        references = self._references(plan, account) if plan.references else []
        self._report("comparing every row")
        with verification(self._lake, account, plan.patience, _silent) as comparison:
            run = measurement.Run(
                account=account,
                samples=sampler.samples,
                commits=commits,
                containers=self._containers,
                comparison=comparison,
                restarts=self._restarts() - restarts,
                machine=described,
            )
            return measurement.result(run, references)

    @contextmanager
    def _loaded(self, plan: Plan, topics: Topics) -> Iterator[tuple[Account, Sampler]]:
        """The account of the load when it is over; sampling goes on until the block ends."""
        with Load(self._connect, plan.schedule, plan.width) as load:
            sampler = Sampler(self._connect, topics, self._containers, load.rows)
            with sampler:
                time.sleep(QUIET_SECONDS)
                self._report(
                    f"{plan.schedule.rate:,.0f} rows a second for {plan.schedule.seconds:.0f} s"
                )
                load.start()
                yield load.wait(), sampler

    def _warm_up(self, schedule: Schedule, plan: Plan) -> None:
        with Load(self._connect, schedule, plan.width) as load:
            load.start()
            account = load.wait()
        self._await(account, plan.patience)

    def _await(self, account: Account, patience: Patience) -> None:
        """Until as many rows are readable as were committed; only metadata is read."""
        deadline = time.monotonic() + patience.deadline
        while time.monotonic() < deadline:
            if sum(commit.rows for commit in self._commits(account)) >= account.rows:
                return
            time.sleep(POLL_SECONDS)

    def _commits(self, account: Account) -> list[Commit]:
        """Those since the run's first row: what was archived before is the warm-up's."""
        since = account.committed[0].begun
        return [commit for table in account.tables for commit in self._lake.commits(table, since)]

    def _references(self, plan: Plan, account: Account) -> list[Reference]:
        schedule = replace(
            plan.schedule,
            rate=None,
            seconds=plan.references,
            connections=2 * plan.schedule.connections,
            schemas=(ceilings.SCHEMA,),
        )
        return ceilings.all_of(
            self._outputs,
            self._cluster,
            self._connect,
            lake=self._lake,
            schedule=schedule,
            since=account.committed[0].begun,
            report=self._report,
        )

    def _restarts(self) -> int:
        return sum(pod.restarts for pod in self._cluster.pods())


def _measured(cluster: Cluster) -> list[Container]:
    found = containers(cluster)
    if not found:
        raise StackError(
            "no cgroup of the pipeline's containers is on this machine: the bench measures a stack"
            " whose node it runs on, such as the sandbox"
        )
    return found


def _silent(_committed: int, _archived: int) -> None:
    """The bench has waited already."""
