"""An experiment heals what it injected whatever happens, and lets the user act in order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chaos import experiment
from chaos.experiment import Experiment, Pace
from chaos.fault import Fault
from chaos.monitor import Symptom
from chaos.observation import Observation
from chaos.pipeline import FaultError
from chaos.result import Outcome
from chaos.run import run_one
from workload.changes import Change, Commit, Journal
from workload.timeouts import Timeouts

CHANGE = Change("public.users", "c", 1, ())
PACE = Pace(warm_up=0.01, timeouts=Timeouts(arrival=0.1, settle=0, poll=0.01))


@dataclass
class Recorded(Fault):
    """A fault that records its steps."""

    steps: list[str] = field(default_factory=list)
    breaks: BaseException | None = None
    repaired: str = ""
    complaints: list[str] = field(default_factory=list)

    def prepare(self, pipeline: Any) -> None:
        self.steps.append("prepare")

    def inject(self, pipeline: Any) -> None:
        self.steps.append("inject")
        if self.breaks:
            raise self.breaks

    def heal(self, pipeline: Any) -> None:
        self.steps.append("heal")

    def repair(self, pipeline: Any) -> str:
        self.steps.append("repair")
        return self.repaired

    def check(self, pipeline: Any) -> list[str]:
        return self.complaints

    def restore(self, pipeline: Any) -> None:
        self.steps.append("restore")


class FakePipeline:
    """A pipeline in which every command succeeds."""

    stack = "sandbox"
    database: Callable[[], Any] = staticmethod(lambda: None)

    def __init__(self) -> None:
        self.commands: list[str] = []

    def log(self, message: str) -> None:
        """Ignore the message."""

    def wait_for_database(self) -> None:
        """Return immediately."""

    def run(self, *command: str, seconds: float) -> None:
        self.commands.append(" ".join(command))


class FakeWriter:
    """One committed change."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.journal = Journal([Commit((CHANGE,), time.time())])
        self.outages: list[float] = []
        self.pauses: list[str] = []

    def __enter__(self) -> "FakeWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Do nothing: it never ran."""

    def pause(self) -> None:
        self.pauses.append("pause")

    def resume(self) -> None:
        self.pauses.append("resume")


class World:
    """What the pipeline looks like, and what of the change is archived."""

    def __init__(self) -> None:
        self.quiet = True
        self.archived = [CHANGE]
        self.heals_after: int | None = None
        """observations until everything is there"""
        self.looks = 0
        self.observation: Observation | None = None
        self.is_verified = False
        self.arrives_after = self.outstanding = 0
        """looks until everything is there, of which each finds more"""
        self.verify_complaints: list[str] = []

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None: ...

    def holds(self, until: float) -> bool:
        if self.arrives_after:
            self.arrives_after -= 1
            self.outstanding = self.arrives_after
            return False
        return self.archived == [CHANGE]

    def observe(self, _keeps_history: bool, _complete_from: int) -> Observation:
        self.looks += 1
        if self.heals_after is not None and self.looks > self.heals_after:
            self.archived, self.quiet = [CHANGE], True
        return self.observation or Observation(1, missing=1 - len(self.archived))

    def verified(self, _ignored: object, _complete_from: int) -> list[str]:
        self.is_verified = True
        return self.verify_complaints


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    class FakeMonitor:
        symptoms = (Symptom(0, "pod kafka-0 is not ready"),)

        def __init__(self, *_: Any) -> None: ...

        def __enter__(self) -> "FakeMonitor":
            return self

        def __exit__(self, *_: object) -> None: ...

        def is_quiet(self) -> bool:
            return world.quiet

        def disturb(self) -> None: ...

        def last(self) -> str:
            return "something"

        def first_since(self, moment: float) -> Symptom:
            return Symptom(moment + 2, "pod kafka-0 is not ready")

    monkeypatch.setattr(experiment, "Writer", FakeWriter)
    monkeypatch.setattr(experiment, "Monitor", FakeMonitor)
    monkeypatch.setattr(experiment, "Observer", lambda *_: world)
    return world


def the_fault(**fields: Any) -> Recorded:
    return Recorded("fault", "does", user_after=0.1, **fields)


def run(fault: Recorded, pipeline: FakePipeline | None = None) -> Any:
    return Experiment(fault, pipeline or FakePipeline(), {}, PACE).run()  # type: ignore[arg-type]


def test_a_fault_that_is_survived(world: World) -> None:
    fault = the_fault()
    result = run(fault)
    assert result.outcome is Outcome.SURVIVED
    assert (result.committed, result.lost, result.detected_after) == (1, 0, 2.0)
    assert fault.steps == ["prepare", "inject", "heal", "heal", "restore"]


@pytest.mark.parametrize("error", [FaultError("no such pod"), KeyboardInterrupt()])
def test_what_was_injected_is_healed_in_any_case(world: World, error: BaseException) -> None:
    fault = the_fault(breaks=error)
    with pytest.raises(type(error)):
        run(fault)
    assert fault.steps[:3] == ["prepare", "inject", "heal"]
    assert fault.steps[-1] == "restore"


def test_what_can_not_be_healed_is_restored_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = the_fault()

    def refuse(_pipeline: object) -> None:
        raise FaultError("the pod is away")

    monkeypatch.setattr(fault, "heal", refuse)
    with pytest.raises(FaultError, match="the pod is away"):
        run(fault)
    assert fault.steps[-1] == "restore"


def test_a_load_does_not_begin_before_the_database_answers(world: World) -> None:
    class Away(FakePipeline):
        def wait_for_database(self) -> None:
            raise FaultError("timed out waiting for PostgreSQL to answer")

    fault = the_fault()
    with pytest.raises(FaultError, match="PostgreSQL to answer"):
        run(fault, Away())
    assert fault.steps == ["prepare", "heal", "restore"]


def test_lost_changes_fail_after_the_user_has_tried_everything(world: World) -> None:
    world.archived = []
    fault, pipeline = the_fault(repaired="make recover"), FakePipeline()
    result = run(fault, pipeline)
    assert result.failed
    assert result.lost == 1
    assert result.recovered_after is None
    assert result.user_action == "make recover, make up"
    assert pipeline.commands == ["scripts/up.sh"]


def test_what_make_up_repairs_is_told(world: World) -> None:
    world.archived, world.heals_after = [], 3
    pipeline = FakePipeline()
    result = run(the_fault(), pipeline)
    assert result.outcome is Outcome.REPAIRED
    assert result.user_action == "make up"


def test_what_the_fault_itself_complains_of_fails(world: World) -> None:
    assert run(the_fault(complaints=["the second update was not refused"])).failed


def test_rows_that_verify_finds_fail_the_run(world: World) -> None:
    assert not run(the_fault()).failed
    assert world.is_verified
    world.verify_complaints = ["verify: public.users: 1 rows missing"]
    result = run(the_fault())
    assert result.failed
    assert result.complaints == ("verify: public.users: 1 rows missing",)


def test_a_duplicate_fails(world: World) -> None:
    world.observation = Observation(1, duplicated=1)
    result = run(the_fault())
    assert (result.duplicated, result.failed) == (1, True)


def test_a_fault_that_can_not_be_run_says_why() -> None:
    fault = the_fault(not_run="one clock for all")
    result = run_one(FakePipeline(), fault, PACE)  # type: ignore[arg-type]
    assert result.outcome is Outcome.NOT_RUN
    assert result.complaints == ("one clock for all",)
    assert fault.steps == []


def test_a_node_is_needed_where_there_is_none() -> None:
    pipeline = FakePipeline()
    pipeline.stack = "dev"
    result = run_one(pipeline, the_fault(needs_node=True), PACE)  # type: ignore[arg-type]
    assert result.outcome is Outcome.NOT_RUN


def test_the_load_rests_while_a_fault_of_idle_tables_is_injected(world: World) -> None:
    fault = the_fault(pauses_load=True, breaks=FaultError("no such job"))
    experiment_of_it = Experiment(fault, FakePipeline(), {}, PACE)  # type: ignore[arg-type]
    with pytest.raises(FaultError, match="no such job"):
        experiment_of_it.run()
    assert experiment_of_it.writer.pauses == ["pause", "resume"]  # type: ignore[attr-defined]


def test_a_fault_of_idle_tables_waits_for_what_is_not_archived(world: World) -> None:
    world.archived = []
    fault = the_fault(pauses_load=True)
    with pytest.raises(FaultError, match="before the load paused is not archived"):
        run(fault)
    assert "inject" not in fault.steps


class FakeBulk(FakeWriter):
    """A bulk load that is used as the writer is."""

    def __init__(self, connect: object, rate: float, seed: int) -> None:
        super().__init__()
        self.rate = rate


def test_a_rate_above_the_shops_is_written_in_bulk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "BulkLoad", FakeBulk)
    monkeypatch.setattr(experiment, "BulkArchive", lambda *_: None)
    pace = replace(PACE, rate=5000)
    pipeline: Any = FakePipeline()
    pipeline.archive = None
    its = Experiment(the_fault(pauses_load=True), pipeline, {}, pace)
    world.archived = []
    with pytest.raises(FaultError, match="before the load paused"):
        its.run()
    bulk: Any = its._bulk
    assert bulk.rate == 5000 - experiment.SHOP_RATE
    assert bulk.pauses == ["pause"]


def test_the_committed_rate_is_that_of_the_load(world: World) -> None:
    result = run(the_fault())
    assert result.committed_rate is not None
    assert 0 < result.committed_rate <= 1 / PACE.warm_up


def test_nobody_acts_while_more_and_more_arrives(world: World) -> None:
    """A long backlog: several times as long as the wait, but every look finds more."""
    world.arrives_after = 60
    pace = replace(PACE, timeouts=Timeouts(arrival=0.05, settle=0, poll=0.01))
    pipeline, fault = FakePipeline(), Recorded("fault", "does", user_after=0.05)
    result = Experiment(fault, pipeline, {}, pace).run()  # type: ignore[arg-type]
    assert result.outcome is Outcome.SURVIVED
    assert "repair" not in fault.steps
    assert pipeline.commands == []


def test_an_archive_that_never_catches_up_is_not_waited_for_without_end(world: World) -> None:
    world.arrives_after = 10**6
    pace = replace(PACE, longest=0.3, timeouts=Timeouts(arrival=0.05, settle=0, poll=0.01))
    fault = Recorded("fault", "does", user_after=0.05)
    began = time.monotonic()
    Experiment(fault, FakePipeline(), {}, pace).run()  # type: ignore[arg-type]
    assert time.monotonic() - began < 5
    assert "repair" in fault.steps
