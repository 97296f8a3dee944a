"""What demo, bench and chaos say of a comparison."""

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest

from chaos import observation
from clients.stack import StackOutputs
from tests.verification.conftest import Database
from tests.verification.memory_archive import KnownPosition, MemoryTable
from verification.pipeline import Pipeline
from verification.result import TableResult
from verification.witness import compare_changed_rows, complaints
from workload.changes import CapturedTable

pytestmark = pytest.mark.postgresql


@pytest.fixture
def archive(database: Database) -> MemoryTable:
    """The archive of a table with an extra row of before, and one that is wrong."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    database.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    archive = database.archived("t", {"id": pa.int32(), "v": pa.string()})
    archive.add("c", [{"id": 3, "v": "of before"}, {"id": 1, "v": "a"}], 10)
    archive.add("c", [{"id": 2, "v": "wrong"}], 20)
    return archive


def pipeline(database: Database) -> Pipeline:
    return Pipeline(database.connect, database.open, KnownPosition(), {})


def test_only_rows_that_were_changed(database: Database, archive: MemoryTable) -> None:
    results = compare_changed_rows(pipeline(database), ["public.t"], 15)
    assert complaints(results) == [
        "verify: public.t: 0 rows missing, 0 extra, 1 different, 0 unsettled (different id=2: v)"
    ]
    archive.add("u", [{"id": 2, "v": "b"}], 40)
    results = compare_changed_rows(pipeline(database), ["public.t"], 15)
    assert [(result.rows, result.equal) for result in results] == [(1, 1)]
    assert not complaints(results)


def test_a_table_that_was_not_compared_is_a_complaint() -> None:
    result = TableResult("public.t", error="the archive did not reach the WAL position 1")
    assert complaints([result]) == [
        "verify: public.t: not compared: the archive did not reach the WAL position 1"
    ]
    assert complaints([replace(result, error=None, unsettled=1)])


@dataclass
class Chaos:
    """What the observer of an experiment has of its pipeline and writer."""

    outputs: StackOutputs
    archive: None = None
    first_lsn: int = 15


def test_an_experiment_compares_its_rows_without_the_ignored_column(
    database: Database, archive: MemoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_outputs(outputs: StackOutputs) -> Pipeline:
        return replace(pipeline(database), excluded=outputs.excluded_columns)

    monkeypatch.setattr(observation, "pipeline_of", of_outputs)
    model: Any = StackOutputs
    experiment: Any = Chaos(model.model_construct(excluded_columns={}))
    observer = observation.Observer(
        experiment, [CapturedTable("public.t", ("id", "v"))], experiment
    )
    with observer:
        assert len(observer.verified({}, 0)) == 1
        assert observer.verified({"public.t": "v"}, 0) == []
        assert observer.verified({}, 21) == []
