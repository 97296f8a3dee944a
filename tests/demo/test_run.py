"""A run of the demo against a real PostgreSQL: each committed change is found, and each fault."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from clients.stack import StackError
from demo.run import Load, Result, run
from tests.audit import TABLES, AuditArchive, audited_server, connect_to
from workload.source import Connect
from workload.timeouts import Timeouts

pytestmark = pytest.mark.postgresql

LOAD = Load(changes=400, seed=7)
SLOT = "SELECT pg_create_logical_replication_slot('demo', 'pgoutput')"


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    with audited_server() as server:
        yield connect_to(server)


@pytest.fixture(scope="module")
def slot(connect: Connect) -> None:
    with pytest.raises(StackError, match="no usable replication slot"):
        the_demo(connect, AuditArchive(connect))
    with connect() as connection:
        connection.execute(SLOT)


def the_demo(connect: Connect, archive: AuditArchive, arrival: float = 60) -> Result:
    timeouts = Timeouts(arrival=arrival, settle=0, poll=0.1)
    return run(connect, archive, TABLES, load=LOAD, timeouts=timeouts, report=lambda _: None)


@pytest.mark.usefixtures("slot")
def test_every_change_is_found_once(connect: Connect) -> None:
    result = the_demo(connect, AuditArchive(connect))
    assert result.agrees, result
    assert len(result.changes) >= LOAD.changes
    assert {change.operation for change in result.changes} == {"c", "u", "d"}
    delays = [delay for table in result.delays.values() for delay in table]
    assert len(delays) == len(result.changes)


@pytest.mark.usefixtures("slot")
def test_a_lost_a_repeated_and_an_altered_change_are_found(connect: Connect) -> None:
    archive = AuditArchive(connect)

    def alter(table: str, rows: pa.Table) -> pa.Table:
        """Lose the last change of users, repeat one of products, and alter one of orders."""
        if not rows.num_rows:
            return rows
        if table == "public.users":
            return rows.slice(0, rows.num_rows - 1)
        if table == "public.products":
            return pa.concat_tables([rows, rows.slice(0, 1)])
        if table == "public.orders":
            records = rows.to_pylist()
            records[0]["shipping_address"] = "elsewhere"
            return pa.Table.from_pylist(records, rows.schema)
        return rows

    archive.alter = alter
    result = the_demo(connect, archive, arrival=0.5)
    assert not result.agrees
    differences = {
        table.table: (table.missing, table.duplicated, table.altered) for table in result.tables
    }
    assert differences == {
        "public.users": (1, 0, 0),
        "public.products": (0, 1, 0),
        "public.orders": (1, 0, 1),
        "public.order_items": (0, 0, 0),
    }
    assert "public.products" not in {each.table for each in result.row_differences}


def test_a_stack_without_the_sample_schema_is_refused(connect: Connect) -> None:
    with pytest.raises(StackError, match="does not capture orders, order_items"):
        run(
            connect,
            AuditArchive(connect),
            TABLES[:2],
            load=LOAD,
            timeouts=Timeouts(1, 0),
            report=print,
        )
