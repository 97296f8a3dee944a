"""One experiment: load, fault, recovery, and what of the committed changes was archived."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demo.changes import Captured

from chaos.account import Account, Observation, without
from chaos.fault import Fault
from chaos.load import Load
from chaos.monitor import Monitor, Sign
from chaos.pipeline import FaultError, Pipeline
from chaos.result import Outcome, Result


@dataclass(frozen=True)
class Pace:
    """How long an experiment's parts last, in seconds, and its load. Tests shorten them."""

    rate: float = 120
    """row changes per second"""
    warm_up: float = 6
    """load before the fault"""
    patience: float = 150
    """for the pipeline to be well and the archive to hold everything, after each repair too"""
    settle: float = 12
    """until the last look, for duplicates: more than the sink's commit interval"""
    poll: float = 3
    quick: bool = False
    last_start: float = 45 * 60
    """after the run's begin; whatever goes wrong, it ends soon after"""
    note: str = ""
    """what a reader should know of the circumstances"""

    def hold(self, fault: Fault) -> float:
        """How long the fault lasts."""
        return fault.hold.quick if self.quick else fault.hold.full


@dataclass(frozen=True)
class Times:
    """Of an experiment, time.time()."""

    began: float
    injected: float
    healed: float
    recovered: float | None


class Experiment:
    """A fault under load."""

    def __init__(
        self, fault: Fault, pipeline: Pipeline, tables: Mapping[str, Captured], pace: Pace
    ) -> None:
        self._fault, self._pipeline, self._pace = fault, pipeline, pace
        tables = {
            name: without(table, fault.ignores.get(table.table)) for name, table in tables.items()
        }
        self._actions: list[str] = []
        self._complaints: list[str] = []
        self.load = Load(pipeline.database, tables, pace.rate, seed=int(time.time()))
        self._account = Account(pipeline, tables, self.load)

    def run(self) -> Result:
        """Everything, healed and restored in any case. Raises what an interruption raises."""
        began = time.time()
        fault, pipeline = self._fault, self._pipeline
        try:
            fault.prepare(pipeline)
            with self.load, Monitor(pipeline, self.load) as monitor:
                time.sleep(self._pace.warm_up)
                injected, healed = self._disturb(monitor)
                recovered = self._recover(monitor, healed)
                self.load.stop()
                observation, drained = self._drain()
                self._complaints += fault.check(pipeline)
                sign = monitor.first_since(injected)
        finally:
            fault.heal(pipeline)
            fault.restore(pipeline)
        times = Times(began, injected, healed, drained and (recovered or drained))
        return self._result(sign, observation, times)

    def _disturb(self, monitor: Monitor) -> tuple[float, float]:
        """Inject, hold and heal; when each began and ended (time.time())."""
        fault, pipeline = self._fault, self._pipeline
        hold = self._pace.hold(fault)
        pipeline.say(f"{fault.name}: injecting" + (f", for {hold:.0f} s" if hold else ""))
        injected = time.time()
        monitor.disturb()
        try:
            fault.inject(pipeline)
            time.sleep(hold)
        finally:
            fault.heal(pipeline)
        monitor.disturb()
        return injected, time.time()

    def _recover(self, monitor: Monitor, healed: float) -> float | None:
        """Until the pipeline looks well, and holds what was committed before the fault's end.

        The load goes on meanwhile. Where it is not well in time, the user must act. Returns when
        the archive first held it all (time.time()).
        """
        due = [change for each in self.load.commits if each.at <= healed for change in each.changes]
        deadline = time.time() + self._fault.user_after
        recovered: float | None = None
        while not (monitor.is_quiet() and (recovered or not self._fault.keeps_history)):
            looked_at = time.time()
            if recovered is None and self._account.holds(due):
                recovered = looked_at
            if looked_at > deadline:
                if not self._repair(monitor.last()):
                    break
                monitor.disturb()
                deadline = time.time() + self._pace.patience
            time.sleep(self._pace.poll)
        return recovered

    def _repair(self, why: str) -> bool:
        """What the user would do next: the fault's own repair, then `make up`. False: no more."""
        self._pipeline.say(f"{self._fault.name}: not well by itself ({why})")
        ladder: list[Callable[[], str]] = [
            lambda: self._fault.repair(self._pipeline),
            self._make_up,
        ]
        while len(self._actions) < len(ladder):
            try:
                action = ladder[len(self._actions)]()
            except FaultError as error:
                action = f"in vain: {error}"
            self._actions.append(action)
            if action:
                self._pipeline.say(f"{self._fault.name}: the user did: {action}")
                return True
        return False

    def _make_up(self) -> str:
        self._pipeline.run("scripts/up.sh", seconds=300)
        return "make up"

    def _drain(self) -> tuple[Observation, float | None]:
        """Wait for the archive to hold everything; the last look, and when it first did."""
        pace, deadline = self._pace, time.time() + self._pace.patience
        while True:
            looked_at = time.time()
            observation = self._observe()
            if self._is_complete(observation):
                time.sleep(pace.settle)
                return self._observe(), looked_at
            if looked_at > deadline:
                missing = len(observation.comparison.missing)
                if not self._repair(f"{missing} changes are not in the archive"):
                    return observation, None
                deadline = time.time() + pace.patience
            time.sleep(pace.poll)

    def _observe(self) -> Observation:
        return self._account.observe(self._fault.keeps_history, self._fault.complete_from())

    def _is_complete(self, observation: Observation) -> bool:
        if self._fault.keeps_history:
            return not observation.comparison.missing
        return observation.rows_differing == 0

    def _result(self, sign: Sign | None, observation: Observation, times: Times) -> Result:
        comparison, recovered = observation.comparison, times.recovered
        return Result(
            fault=self._fault.name,
            does=self._fault.does,
            outcome=Outcome.FAILED,
            committed=comparison.committed,
            lost=len(comparison.missing),
            duplicated=len(comparison.duplicated),
            unexpected=len(comparison.unexpected),
            rows_differing=observation.rows_differing,
            detected_after=round(sign.at - times.injected, 1) if sign else None,
            detected_by=sign.what if sign else "",
            recovered_after=round(recovered - times.healed, 1) if recovered else None,
            user_action=", ".join(filter(None, [self._fault.user, *self._actions])) or "nothing",
            database_away=round(sum(each.until - each.since for each in self.load.outages), 1),
            complaints=tuple(self._complaints),
            seconds=round(time.time() - times.began, 1),
        ).judged(self._fault.keeps_history)
