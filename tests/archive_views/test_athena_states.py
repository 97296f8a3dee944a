"""Athena's views have the rows that DuckDB's have, for any history."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_views.athena import AthenaTable
from clients.described_tables import DescribedTable
from tests.archive_views.athena_in_duckdb import athena, in_duckdb
from tests.archive_views.memory_files import in_memory, query, session
from tests.archive_views.test_states import COLUMNS, DECLARED, HISTORIES, Model, Row, played

KEYS = [("id",), ("id", "part"), ()]


def table_of(key: tuple[str, ...] | None) -> AthenaTable:
    return AthenaTable("public.t", "t", "t", DECLARED, key, milliseconds=True)


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=15)
@given(history=HISTORIES, data=st.data())
def test_the_present_and_a_moment_are_the_models(
    key: tuple[str, ...], history: list[tuple[str, Row, int]], data: st.DataObject
) -> None:
    model: Model = played(len(key), history)
    then = data.draw(st.sampled_from(sorted(model.states)))
    moment = datetime.fromtimestamp(then / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    with athena([(table_of(key), in_memory(reversed(model.changes), COLUMNS))]) as (database, made):
        rows = database.execute("SELECT id, part, v FROM cdc_views.t").fetchall()
        assert Counter(Row(*row) for row in rows) == model.states[model.lsn]
        at = f"SELECT id, part, v FROM ({in_duckdb(made['t_at'].sql)})"
        rows = database.execute(at, [moment]).fetchall()
        assert Counter(Row(*row) for row in rows) == model.states[then]


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=15)
@given(history=HISTORIES)
def test_history_and_events_are_those_of_duckdb(
    key: tuple[str, ...], history: list[tuple[str, Row, int]]
) -> None:
    model = played(len(key), history)
    files = in_memory(model.changes, COLUMNS)
    changes = "SELECT id, part, v, __op, epoch_us(__committed_at), __lsn FROM"
    events = (
        "SELECT epoch_us(event_timestamp), operation_type, table_name, database_name, schema_name,"
        " lsn, before_data::JSON, after_data::JSON, year, month, day, hour FROM"
    )
    with (
        athena([(table_of(key), files)]) as (database, _),
        session({"public.t": files}, {"public.t": DescribedTable(key, DECLARED)}) as opened,
    ):
        for selected, view, in_session in (
            (changes, "cdc_views.t_changes", "t_changes"),
            (events, "cdc_views.s3_cdc_events", "s3_cdc_events"),
        ):
            text = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({selected} {view})"
            ours = Counter(database.execute(text).fetchall())
            assert ours == Counter(query(opened, f"{selected} {in_session}"))
