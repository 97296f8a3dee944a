"""One experiment: load, fault, recovery, and what of the committed changes was archived."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import inf

from chaos.bulk_archive import BulkArchive
from chaos.bulk_load import BulkLoad
from chaos.fault import Fault
from chaos.monitor import Monitor, Symptom
from chaos.observation import Observation, Observer
from chaos.pipeline import FaultError, Pipeline
from chaos.result import NO_ACTION, Outcome, Result
from workload.changes import CapturedTable
from workload.timeouts import Timeouts, wait_for_archive
from workload.writer import Writer

# The archive: more than the sink's commit interval of 10 s to settle.
TIMEOUTS = Timeouts(arrival=150, settle=12, poll=3)
# Of an update while the load takes the machine's cores.
UP_SECONDS = 600
# Row changes per second of the shop, whose every value differs. The rest of a higher rate is a bulk
# load's.
SHOP_RATE = 120.0


@dataclass(frozen=True)
class Pace:
    """How long an experiment's parts last, in seconds, and its load. Tests shorten them."""

    rate: float = SHOP_RATE
    """row changes per second"""
    warm_up: float = 6
    """load before the fault"""
    timeouts: Timeouts = TIMEOUTS
    """for the archive, and for the pipeline to recover after a repair"""
    longest: float = 600
    """for an archive that does not have everything in time, but has more at every look"""
    quick: bool = False
    last_start: float = 45 * 60
    """after the run's start; later faults are not started, so that a run ends"""
    note: str = ""
    """circumstances that a reader should know"""

    def hold(self, fault: Fault) -> float:
        """Return how long the fault lasts."""
        return fault.hold.quick if self.quick else fault.hold.full


@dataclass(frozen=True)
class Times:
    """When an experiment's parts began (time.time())."""

    began: float
    injected: float
    healed: float
    recovered: float | None
    loaded: float
    """seconds for which the load ran, outages and pauses included"""


class Experiment:
    """A fault under load."""

    def __init__(
        self, fault: Fault, pipeline: Pipeline, tables: Mapping[str, CapturedTable], pace: Pace
    ) -> None:
        self._fault, self._pipeline, self._pace = fault, pipeline, pace
        tables = {
            name: without(table, fault.ignores.get(table.name)) for name, table in tables.items()
        }
        self._actions: list[str] = []
        self._complaints: list[str] = []
        seed, rate = int(time.time()), min(pace.rate, SHOP_RATE)
        self.writer = Writer(pipeline.database, tables, seed=seed, rate=rate)
        self._bulk: BulkLoad | None = None
        archive: BulkArchive | None = None
        if pace.rate > rate:
            self._bulk = BulkLoad(pipeline.database, pace.rate - rate, seed)
            archive = BulkArchive(pipeline.archive, self._bulk, fault.ignores)
        self._observer = Observer(pipeline, tables.values(), self.writer, archive)

    def run(self) -> Result:
        """Run the experiment; heal and restore in any case. Raises what an interruption raises."""
        began = time.time()
        fault, pipeline = self._fault, self._pipeline
        try:
            fault.prepare(pipeline)
            pipeline.wait_for_database()
            with ExitStack() as parts:
                parts.enter_context(self._observer)
                started = time.time()
                for load in self._loads():
                    parts.enter_context(load)
                monitor = parts.enter_context(Monitor(pipeline, self.writer))
                time.sleep(self._pace.warm_up)
                injected, healed = self._disturb(monitor)
                recovered = self._recover(monitor, healed)
                for load in self._loads():
                    load.stop()
                loaded = time.time() - started
                observation, drained = self._drain()
                self._complaints += fault.check(pipeline)
                if drained is not None:
                    since = 0 if fault.keeps_history else fault.complete_from()
                    self._complaints += self._observer.verified(fault.ignores, since)
                symptom = monitor.first_since(injected)
        finally:
            try:
                fault.heal(pipeline)
            finally:
                fault.restore(pipeline)
        recovered = drained and (recovered or drained)
        times = Times(began, injected, healed, recovered, loaded)
        return self._result(symptom, observation, times)

    def _loads(self) -> list[Writer | BulkLoad]:
        return [self.writer] if self._bulk is None else [self._bulk, self.writer]

    def _disturb(self, monitor: Monitor) -> tuple[float, float]:
        """Inject, hold and heal; return when the fault began and ended (time.time())."""
        fault, pipeline = self._fault, self._pipeline
        hold = self._pace.hold(fault)
        pipeline.log(f"{fault.name}: injecting" + (f" for {hold:.0f} s" if hold else ""))
        if fault.pauses_load:
            self._pause()
        injected = time.time()
        monitor.disturb()
        try:
            fault.inject(pipeline)
            time.sleep(hold)
        finally:
            fault.heal(pipeline)
            for load in self._loads():
                load.resume()
        monitor.disturb()
        return injected, time.time()

    def _pause(self) -> None:
        """Let the load rest, and wait until all of it is archived."""
        for load in self._loads():
            load.pause()
        paused = time.time()
        if self._wait(lambda: self._observer.holds(until=paused), self._pace.timeouts) is None:
            raise FaultError("what was committed before the load paused is not archived")
        time.sleep(self._pace.timeouts.settle)  # a commit of the sink without a change

    def _recover(self, monitor: Monitor, healed: float) -> float | None:
        """Wait until the pipeline is healthy and has archived what was committed before the end.

        The load goes on meanwhile. If the pipeline is not healthy in time, the user acts. Return
        when the archive first had everything (time.time()).
        """
        recovered: float | None = None

        def has_recovered() -> bool:
            nonlocal recovered
            looked_at = time.time()
            if recovered is None and self._observer.holds(until=healed):
                recovered = looked_at
            return monitor.is_quiet() and (bool(recovered) or not self._fault.keeps_history)

        timeouts = replace(self._pace.timeouts, arrival=self._fault.user_after)
        while self._wait(has_recovered, timeouts) is None and self._repair(monitor.last()):
            monitor.disturb()
            timeouts = self._pace.timeouts
        return recovered

    def _wait(self, condition: Callable[[], bool], timeouts: Timeouts) -> float | None:
        """Wait as wait_for_archive() does, and longer while more of what was committed arrives."""
        deadline = time.monotonic() + self._pace.longest
        outstanding = inf
        while (found := wait_for_archive(condition, timeouts)) is None:
            if self._observer.outstanding >= outstanding or time.monotonic() > deadline:
                return None
            outstanding = self._observer.outstanding
            self._pipeline.log(f"{self._fault.name}: {outstanding} changes have not arrived yet")
        return found

    def _repair(self, why: str) -> bool:
        """Do what the user would do next: the fault's repair, then `make up`.

        Return False if both were done.
        """
        self._pipeline.log(f"{self._fault.name}: has not recovered by itself ({why})")
        ladder: list[Callable[[], str]] = [
            lambda: self._fault.repair(self._pipeline),
            self._make_up,
        ]
        while len(self._actions) < len(ladder):
            try:
                action = ladder[len(self._actions)]()
            except FaultError as error:
                action = f"failed: {error}"
            self._actions.append(action)
            if action:
                self._pipeline.log(f"{self._fault.name}: action of the user: {action}")
                return True
        return False

    def _make_up(self) -> str:
        self._pipeline.run("scripts/up.sh", seconds=UP_SECONDS)
        return "make up"

    def _drain(self) -> tuple[Observation, float | None]:
        """Wait for the archive to hold everything; return the last look, and when it first did."""
        while True:
            drained = self._wait(self._is_complete, self._pace.timeouts)
            if drained is not None:
                time.sleep(self._pace.timeouts.settle)
                return self._observe(), drained
            observation = self._observe()
            if not self._repair(f"{observation.missing} changes are not in the archive"):
                return observation, None

    def _observe(self) -> Observation:
        return self._observer.observe(self._fault.keeps_history, self._fault.complete_from())

    def _is_complete(self) -> bool:
        observation = self._observe()
        return not (observation.missing if self._fault.keeps_history else observation.differing)

    def _result(self, symptom: Symptom | None, observation: Observation, times: Times) -> Result:
        recovered = times.recovered
        actions = ", ".join(filter(None, [self._fault.user, *self._actions]))
        return Result(
            fault=self._fault.name,
            does=self._fault.does,
            outcome=Outcome.FAILED,
            committed=observation.committed,
            lost=observation.missing,
            duplicated=observation.duplicated,
            unexpected=observation.altered,
            rows_differing=observation.differing,
            detected_after=round(symptom.at - times.injected, 1) if symptom else None,
            detected_by=symptom.what if symptom else "",
            recovered_after=round(recovered - times.healed, 1) if recovered else None,
            user_action=actions or NO_ACTION,
            database_away=round(sum(self.writer.outages), 1),
            complaints=tuple(self._complaints),
            committed_rate=round(observation.committed / times.loaded, 1),
            seconds=round(time.time() - times.began, 1),
        ).judged(self._fault.keeps_history)


def without(table: CapturedTable, column: str | None) -> CapturedTable:
    """Return a table of which one column is not compared."""
    return replace(table, columns=tuple(each for each in table.columns if each != column))
