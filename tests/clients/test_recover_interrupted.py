"""A recovery that is interrupted at any step and run again leaves the archive's state right.

The worker and the database are a model: what the connector would read or miss with what it has.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from clients import database
from clients.recover import slot as slot_module
from clients.recover import source as source_module
from clients.recover.slot import recover_slots
from clients.recover.source import plan, recover_source
from components.streaming.connectors.recovery import require_no_recovery
from kafka_connect.failures import ConnectError
from kafka_connect.snapshot import (
    CONTINUOUS_SNAPSHOTTER,
    has_read_again,
    reads_again,
    truncating_first,
)

NAME = "shop-cdc-connector"
POSITION = 5000
PLAIN = {
    "slot.name": "datapipe_shop",
    "publication.name": "datapipe_shop",
    "topic.prefix": "shop",
    "snapshot.mode": "custom",
    "snapshot.custom.class": CONTINUOUS_SNAPSHOTTER,
    "transforms": "rowOfTruncate",
    "transforms.rowOfTruncate.type": "datapipe.connect.RowOfTruncate",
}
STEPS = ("stop", "put", "reset", "drop", "resume")


class KilledError(BaseException):
    """The command was killed, or its machine."""


class Pipeline:
    """A connector, its slot, and what of the tables is archived. Each step may be the last."""

    def __init__(self, *, guarded: bool, slot: str | None) -> None:
        self.config_ = dict(PLAIN)
        if not guarded:  # of a stack from before our own snapshotter
            del self.config_["snapshot.custom.class"]
            self.config_["snapshot.mode"] = "initial"
        self.normal = dict(self.config_)
        self.slot = slot
        self.captured: int | None = 4000
        self.running = True
        self.read = 0
        """how often the tables were read after a TRUNCATE"""
        self.faults: list[str] = []
        """what no right archive has"""
        self.ends_at: str | None = None
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.ends_at:
            self.ends_at = None
            raise KilledError(name)

    # The worker's REST API.

    def config(self, _name: str) -> dict[str, str]:
        return dict(self.config_)

    def offsets(self, _name: str) -> list[dict[str, Any]]:
        return [] if self.captured is None else [{"offset": {"lsn": self.captured}}]

    def status(self, _name: str) -> dict[str, Any]:
        task = {"id": 0, "state": "RUNNING", "trace": ""}
        return {"connector": {"state": "RUNNING"}, "tasks": [task]}

    def put(self, _name: str, config: dict[str, str]) -> None:
        self.step("put")
        self.config_ = dict(config)
        self._runs()

    def reset_offsets(self, _name: str) -> str:
        self.step("reset")
        assert not self.running, "Connect refuses to reset offsets of a connector that runs"
        self.captured = None
        return "reset"

    @contextmanager
    def stopped(
        self, _client: object, _name: str, _log: object, *, start_after_error: bool = True
    ) -> Iterator[None]:
        self.step("stop")
        self.running = False
        try:
            yield
        except KilledError:
            if start_after_error:
                self.start()
            raise
        self.step("resume")
        self.start()

    def start(self) -> None:
        self.running = True
        self._runs()

    def _runs(self) -> None:
        """Do what the connector does when its task starts."""
        if not self.running or self.slot == "lost":
            return  # refused: the server has removed WAL that the slot needs
        if self.captured is None:
            self.slot = "reserved"
            if reads_again(self.config_):
                self.read += 1
            else:
                self.faults.append("the tables were read without a TRUNCATE")
            self.captured = POSITION + 10
        elif self.slot is None:
            if "snapshot.custom.class" in self.config_:
                return  # refused by our snapshotter
            self.faults.append("the connector has made the slot, and goes on after a gap")
            self.slot = "reserved"

    def make_up(self) -> bool:
        """Update the stack as the user may do instead; return whether it was not refused."""
        try:
            require_no_recovery(self, NAME)  # type: ignore[arg-type]
        except ConnectError:
            return False
        self.config_ = dict(self.normal)
        self.start()
        return True

    # The database.

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, query: str, _parameters: Any = ()) -> Any:
        row: dict[str, Any] | None
        if "pg_drop_replication_slot" in query:
            self.step("drop")
            self.slot, row = None, None
        elif "bool_or" in query:
            row = {"active": False}
        elif "pg_is_in_recovery" in query:
            row = {"standby": False}
        elif "pg_control_system" in query:
            row = {"server": "7/1", "position": POSITION}
        elif "pg_publication" in query:
            row = {"oid": "16400"}
        elif "wal_status" in query:
            row = {"wal_status": self.slot, "active": True} if self.slot else None
        else:
            row = {"position": POSITION}
        return SimpleNamespace(fetchone=lambda: row)


OUTPUTS: Any = SimpleNamespace(
    source="shop",
    managed=True,
    captured_entries="{}",
    source_connectors=(NAME,),
    database=SimpleNamespace(host="localhost", port=5432),
)


def by_slot(pipeline: Pipeline) -> None:
    recover_slots(OUTPUTS, lambda _: None)


def by_source(pipeline: Pipeline) -> None:
    client: Any = pipeline
    if work := plan(OUTPUTS, client):
        recover_source("test", OUTPUTS, work, lambda _: None)


@pytest.fixture(params=[by_slot, by_source])
def recover(request: pytest.FixtureRequest) -> Callable[[Pipeline], None]:
    chosen: Callable[[Pipeline], None] = request.param
    return chosen


# Without its slot, a connector with Debezium's own snapshot would go on by itself.
BROKEN = {"lost": (True, "lost"), "missing": (True, None), "plain": (False, "lost")}


@pytest.fixture(params=BROKEN)
def pipeline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    guarded, slot = BROKEN[request.param]
    made = Pipeline(guarded=guarded, slot=slot)
    for module in (slot_module, source_module):
        monkeypatch.setattr(module, "connect_client", lambda _outputs: made)
        monkeypatch.setattr(module, "stopped", made.stopped)
    monkeypatch.setattr("clients.connect.wait_until", lambda *_, **__: None)
    monkeypatch.setattr(database, "connect", lambda _outputs: made)
    monkeypatch.setattr(source_module, "make_up", lambda *_: made.make_up())
    return made


def finish(pipeline: Pipeline, recover: Callable[[Pipeline], None]) -> None:
    """Do what the user does: run the recovery again, and then make up."""
    recover(pipeline)
    assert pipeline.make_up()
    assert not pipeline.faults
    assert pipeline.read >= 1
    assert pipeline.slot == "reserved"
    assert pipeline.captured == POSITION + 10
    assert not reads_again(pipeline.config_)


def test_without_an_interruption(pipeline: Pipeline, recover: Callable[[Pipeline], None]) -> None:
    finish(pipeline, recover)
    assert pipeline.read == 1
    assert [step for step in pipeline.steps if step != "put"] == ["stop", "reset", "drop", "resume"]
    assert not reads_again(pipeline.config_)


@pytest.mark.parametrize("step", STEPS)
def test_at_each_step(pipeline: Pipeline, recover: Callable[[Pipeline], None], step: str) -> None:
    pipeline.ends_at = step
    with pytest.raises(KilledError):
        recover(pipeline)
    finish(pipeline, recover)


@pytest.mark.parametrize("step", STEPS)
def test_at_each_step_with_an_update_in_between(
    pipeline: Pipeline, recover: Callable[[Pipeline], None], step: str
) -> None:
    pipeline.ends_at = step
    with pytest.raises(KilledError):
        recover(pipeline)
    pipeline.make_up()
    assert not pipeline.faults
    finish(pipeline, recover)


@pytest.mark.parametrize("second", STEPS)
@pytest.mark.parametrize("first", STEPS)
def test_at_two_steps_one_after_the_other(
    pipeline: Pipeline, recover: Callable[[Pipeline], None], first: str, second: str
) -> None:
    for step in (first, second):
        pipeline.ends_at = step
        with pytest.raises(KilledError):
            recover(pipeline)
    finish(pipeline, recover)


def test_the_marked_configuration_is_not_what_a_second_recovery_leaves(
    pipeline: Pipeline, recover: Callable[[Pipeline], None]
) -> None:
    """An earlier one has put it; the connector's own comes back."""
    pipeline.config_ = truncating_first(pipeline.config_, POSITION - 100)
    recover(pipeline)
    assert not reads_again(pipeline.config_)
    assert "truncateFirst" not in str(pipeline.config_)
    assert has_read_again(pipeline.config_, pipeline.offsets(NAME))
