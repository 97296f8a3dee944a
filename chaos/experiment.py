"""One experiment: load, fault, recovery, and what of the committed changes was archived."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from chaos.fault import Fault
from chaos.load import Load
from chaos.monitor import Monitor
from chaos.pipeline import FaultError, Pipeline, wait_until
from chaos.result import Outcome, Result
from demo.changes import ArchivedChange, Captured, Change, rows_with_keys
from demo.comparison import Comparison, Key, compare, compare_state, final_rows
from demo.run import read_archive

READ = "r"
"""__op of a row that a snapshot read; no change, so it is compared as state only"""


@dataclass(frozen=True)
class Pace:
    """How long an experiment's parts last, in seconds, and its load. Tests shorten them."""

    rate: float = 120
    """row changes per second"""
    warm_up: float = 6
    """load before the fault"""
    well_again: float = 150
    """for the pipeline to look well after the fault's end"""
    patience: float = 120
    """for the archive to hold everything, after the load and after each repair"""
    settle: float = 12
    """until the last look, for duplicates: more than the sink's commit interval"""
    poll: float = 3
    quick: bool = False

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


@dataclass
class Observation:
    """The archive's last look at an experiment, judged."""

    archived: list[ArchivedChange]
    comparison: Comparison
    rows_differing: int


class Experiment:
    """A fault under load."""

    def __init__(
        self, fault: Fault, pipeline: Pipeline, tables: Mapping[str, Captured], pace: Pace
    ) -> None:
        self._fault, self._pipeline, self._pace = fault, pipeline, pace
        self._tables = {
            name: without(table, fault.ignores.get(table.table)) for name, table in tables.items()
        }
        self._actions: list[str] = []
        self._complaints: list[str] = []
        self.load = Load(pipeline.database, self._tables, pace.rate, seed=int(time.time()))

    def run(self) -> Result:
        """Everything, healed and restored in any case. Raises what an interruption raises."""
        began = time.time()
        fault, pipeline = self._fault, self._pipeline
        try:
            fault.prepare(pipeline)
            with self.load, Monitor(pipeline, self.load) as monitor:
                time.sleep(self._pace.warm_up)
                injected, healed = self._disturb(monitor)
                self._wait_until_well(monitor)
                self.load.stop()
                observation, recovered = self._drain()
                self._complaints += fault.check(pipeline)
        finally:
            fault.heal(pipeline)
            fault.restore(pipeline)
        return self._result(monitor, observation, Times(began, injected, healed, recovered))

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

    def _wait_until_well(self, monitor: Monitor) -> None:
        """Until the pipeline looks well; where it does not in time, the user must act."""
        try:
            wait_until(monitor.is_quiet, self._pace.well_again, "the pipeline to look well")
        except FaultError:
            last = monitor.signs[-1].what if monitor.signs else "nothing seen"
            self._pipeline.say(f"{self._fault.name}: not well by itself ({last})")
            self._repair()

    def _repair(self) -> bool:
        """What the user would do next: the fault's own repair, then `make up`. False: no more."""
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
            if time.time() > deadline:
                missing = len(observation.comparison.missing)
                self._pipeline.say(f"{self._fault.name}: {missing} changes still missing")
                if not self._repair():
                    return observation, None
                deadline = time.time() + pace.patience
            time.sleep(pace.poll)

    def _is_complete(self, observation: Observation) -> bool:
        if self._fault.keeps_history:
            return not observation.comparison.missing
        return observation.rows_differing == 0

    def _observe(self) -> Observation:
        changes = self.load.changes()
        archived = read_archive(
            self._pipeline.archive, self._tables.values(), self.load.first_lsn, None
        )
        if self._fault.keeps_history and self.load.last_lsn is not None:
            archived = [each for each in archived if each.lsn < self.load.last_lsn]
        made = [each.change for each in archived if each.change.operation != READ]
        return Observation(archived, compare(changes, made), self._differing(changes, archived))

    def _differing(self, changes: list[Change], archived: list[ArchivedChange]) -> int:
        """Rows of this load whose last archived state is not the database's."""
        keys = {(change.table, change.key) for change in changes}
        complete_from = self._fault.complete_from()
        present: dict[Key, tuple[object, ...]] = {}
        with self._pipeline.database() as connection:
            for table in self._tables.values():
                own = [key for name, key in keys if name == table.table]
                rows = rows_with_keys(connection, table, own)
                present |= {(table.table, key): values for key, values in rows.items()}
        ours = [
            each
            for each in archived
            if each.lsn >= complete_from and (each.change.table, each.change.key) in keys
        ]
        return len(compare_state(present, final_rows(ours)))

    def _result(self, monitor: Monitor, observation: Observation, times: Times) -> Result:
        sign, comparison = monitor.first_since(times.injected), observation.comparison
        recovered = times.recovered
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


def without(table: Captured, column: str | None) -> Captured:
    """A table of which one column is not compared."""
    return replace(table, columns=tuple(each for each in table.columns if each != column))
