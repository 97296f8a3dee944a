"""A run of the growth bench whose rows are late, or which begins where another one was killed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import arrangements, growth, machine, run, sample_schema
from bench.arrangements import ARRANGEMENTS, Arranger
from bench.row_values import TABLES
from bench.run import Bench, LateRowsError
from bench.schedule import Schedule
from clients import database
from tests.bench.test_growth import ANY_STACK, POINT
from workload.timeouts import Timeouts

OWN = ("public.users", "public.orders")
LEFT = tuple(f"growth_p24.{table}" for table in TABLES)
ONE_TABLE, MORE_TABLES = (each for each in ARRANGEMENTS if each.name in {"tables-4", "tables-40"})


class Stack:
    """A stack that captures what the last update asked for; a stand-in for its outputs, too."""

    def __init__(self, *tables: str) -> None:
        self.tables: tuple[str, ...] = tables
        self.schemas = {table.partition(".")[0] for table in tables}
        self.purged: list[str] = []

    def update(self, stack: str, file: Path) -> None:
        self.tables = tuple(yaml.safe_load(file.read_text())["config"]["datapipe:tables"])

    def remove(self, stack: str, tables: list[str]) -> None:
        self.tables = tuple(table for table in self.tables if table not in tables)

    def purge(self, table: str) -> None:
        self.purged.append(table)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stack]:
    """Return a function that makes the stack that the bench finds."""

    def deploy(*tables: str) -> Stack:
        stack = Stack(*tables)

        @contextmanager
        def connect(_: Stack) -> Iterator[None]:
            yield None

        for module in (arrangements, growth):
            monkeypatch.setattr(module, "read_managed", lambda _: stack)
        monkeypatch.setattr(arrangements, "update", stack.update)
        monkeypatch.setattr(arrangements, "remove_tables", stack.remove)
        monkeypatch.setattr(arrangements, "IcebergFiles", lambda _: stack)
        monkeypatch.setattr(database, "connect", connect)
        monkeypatch.setattr(sample_schema, "create", lambda _, name: stack.schemas.add(name))
        monkeypatch.setattr(sample_schema, "drop", lambda _, name: stack.schemas.remove(name))
        return stack

    return deploy


def test_what_a_killed_run_has_left_is_removed(deployed: Callable[..., Stack]) -> None:
    logged: list[str] = []
    stack = deployed(*OWN, *LEFT)
    outputs: Any = stack
    with Arranger("sandbox", outputs, logged.append) as arranger:
        assert logged == ["an earlier run has left 1 schemas in the stack"]
        arranger.arrange(ONE_TABLE)
        assert stack.tables == (*OWN, *ONE_TABLE.overrides)
        assert sorted(stack.purged) == sorted(LEFT)
        arranger.arrange(MORE_TABLES)
        assert stack.tables == (*OWN, *MORE_TABLES.overrides)
    assert stack.tables == OWN
    assert stack.schemas == {"public"}
    assert set(stack.purged) == {*LEFT, *MORE_TABLES.overrides}


def run_growth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *only: str) -> int:
    """Run the bench of some lines."""
    chosen = [argument for name in only for argument in ("--only", name)]
    output = ["--output", str(tmp_path / "growth.json")]
    command = ["growth", "--stack", "sandbox", "--warm-up", "0", *chosen, *output]
    monkeypatch.setattr("sys.argv", command)
    return growth.main()


def test_a_line_whose_rows_are_late_is_told_and_the_next_one_is_measured(
    deployed: Callable[..., Stack],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = deployed(*OWN)
    measured: list[int] = []

    def measure(outputs: Any, trial: arrangements.Trial, *_: Any) -> Any:
        assert len(stack.tables) == len(OWN) + trial.tables
        if trial.tables == 4:
            raise LateRowsError("20 rows of 1 of 4 tables are missing")
        measured.append(trial.tables)
        return POINT

    monkeypatch.setattr(growth, "measure", measure)
    assert run_growth(monkeypatch, tmp_path, "tables-4", "tables-40") == 1
    assert measured == [40]
    assert "tables-4 was not measured: 20 rows of 1 of 4 tables" in capsys.readouterr().err
    assert (tmp_path / "growth.json").exists()
    assert stack.tables == OWN


def test_a_run_with_nothing_to_measure_removes_what_was_left(
    deployed: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = deployed(*OWN, *LEFT)
    monkeypatch.setattr(growth, "due", lambda *_, **__: ())
    assert run_growth(monkeypatch, tmp_path, "tables-4") == 0
    assert stack.tables == OWN


@pytest.mark.parametrize("late", [{}, {"public.users": 20}])
def test_no_load_is_measured_before_the_rows_of_its_warm_up_are_readable(
    monkeypatch: pytest.MonkeyPatch, late: Mapping[str, int]
) -> None:
    class Load:
        def __init__(self, *_: Any) -> None:
            self.tables = OWN

        def __enter__(self) -> "Load":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def start(self) -> None:
            pass

        def wait(self) -> "Load":
            return self

    class LoadReachedError(Exception):
        pass

    def describe() -> None:
        raise LoadReachedError

    for name in ("Cluster", "IcebergFiles", "_measured"):
        monkeypatch.setattr(run, name, lambda _: None)
    monkeypatch.setattr(run, "Load", Load)
    monkeypatch.setattr(run, "wait_for_rows", lambda *_: late)
    monkeypatch.setattr(machine, "describe", describe)
    settings = run.RunSettings(
        Schedule(seconds=1, rate=1), width=1, warm_up=1, references=0, timeouts=Timeouts(7, 0)
    )
    expected = LateRowsError if late else LoadReachedError
    with pytest.raises(expected) as raised:
        Bench(ANY_STACK, lambda *_: None).run(settings)
    if late:
        assert "7 s after its end: 20 rows of 1 of 2 tables are missing" in str(raised.value)
