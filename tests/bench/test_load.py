"""The load against a real PostgreSQL: on schedule, accounted for exactly, through lost connections.

An audit trigger replaces the archive: it keeps each change as the archive would.
"""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from bench.archive_reader import add_archived, expected_rows
from bench.journal import BatchJournal
from bench.load import Load
from bench.row_values import COLUMNS, TIMESTAMPS
from bench.schedule import Schedule
from tests import audit
from tests.audit import audited_server, connect_to
from workload.differences import TableComparison
from workload.source import Connect

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    with audited_server() as server:
        yield connect_to(server)


def archived(connect: Connect, table: str) -> pa.Table:
    """Return what an archive would hold of a table."""
    return audit.archived(connect, table, (*COLUMNS[table], *TIMESTAMPS[table]))


def compared(
    connect: Connect, journal: BatchJournal, **changed: pa.Table
) -> dict[str, TableComparison]:
    with expected_rows(journal) as comparison:
        for table in COLUMNS:
            rows = changed.get(table, archived(connect, table))
            add_archived(comparison, journal, f"public.{table}", rows, 0.0)
        return {each.table: each for each in comparison.tables()}


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return Schedule(seconds=3, rate=2000, connections=3, batch=20, seed=3)


@pytest.fixture
def journal(connect: Connect, schedule: Schedule) -> BatchJournal:
    with Load(connect, schedule, width=40) as load:
        load.start()
        return load.wait()


def test_every_row_is_accounted_for(connect: Connect, journal: BatchJournal) -> None:
    result = compared(connect, journal)
    assert sum(each.committed for each in result.values()) == journal.rows
    assert all(each.agrees for each in result.values()), result
    assert journal.rows > 5000


def test_what_differs_is_found(connect: Connect, journal: BatchJournal) -> None:
    users, orders = archived(connect, "users"), archived(connect, "orders")
    first = journal.first_keys["public.products"]
    products = archived(connect, "products").to_pylist()
    position = next(i for i, row in enumerate(products) if row["id"] >= first)
    products[position]["stock_quantity"] = -1
    result = compared(
        connect,
        journal,
        users=users.slice(0, users.num_rows - 2),
        orders=pa.concat_tables([orders, orders.slice(orders.num_rows - 3)]),
        products=pa.Table.from_pylist(products),
    )
    assert result["public.users"].missing == 2
    assert result["public.orders"].duplicated == 3
    assert (result["public.products"].missing, result["public.products"].altered) == (1, 1)
    assert {example.key for example in result["public.products"].examples["missing"]} == {
        products[position]["id"]
    }
    assert result["public.order_items"].agrees


def test_a_schedule_is_the_same_again(schedule: Schedule) -> None:
    plans = [list(schedule.batches(number)) for number in range(3)]
    assert plans == [list(schedule.batches(number)) for number in range(3)]
    rows = sum(batch.rows for plan in plans for batch in plan)
    assert rows == pytest.approx(schedule.seconds * 2000, abs=3 * schedule.batch)
    dues = [batch.due for batch in plans[0]]
    assert dues == sorted(dues)
    assert dues[-1] < schedule.seconds


def test_connections_share_no_row(schedule: Schedule) -> None:
    keys = [
        {(batch.table, batch.first) for batch in schedule.batches(number)} for number in range(3)
    ]
    assert not keys[0] & keys[1] and not keys[1] & keys[2] and not keys[0] & keys[2]


def test_late_batches_are_late_from_their_due_time(connect: Connect) -> None:
    """While the server is held up, what was due in the meantime counts as late."""
    schedule = Schedule(seconds=3, rate=1000, connections=2, batch=20)
    with Load(connect, schedule) as load, connect() as other:
        load.start()
        with other.transaction():
            for table in COLUMNS:
                other.execute(f"LOCK TABLE {table}")
            other.execute("SELECT pg_sleep(1)")
        journal = load.wait()
    late = [each.at - each.due for each in journal.committed if each.due >= journal.started]
    assert sum(1 for seconds in late if seconds > 0.5) > 10
    assert len(late) == sum(len(list(schedule.batches(number))) for number in range(2))


def test_lost_connections_lose_and_repeat_nothing(connect: Connect) -> None:
    schedule = Schedule(seconds=4, rate=2000, connections=3, batch=20, seed=5)
    with Load(connect, schedule) as load, connect() as other:
        load.start()
        killed = 0
        # A busy machine may not commit a batch between two kills, so they end before the load does.
        for _ in range(10):
            other.execute("SELECT pg_sleep(0.4)")
            killed += len(
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchall()
            )
        journal = load.wait()
    assert killed and journal.retried
    assert all(each.agrees for each in compared(connect, journal).values())


def test_a_load_without_a_rate_ends_in_time_and_leaves_no_index(connect: Connect) -> None:
    with Load(connect, Schedule(seconds=1, rate=None, connections=2)) as load:
        load.start()
        journal = load.wait()
    assert journal.rows > 1000
    assert journal.finished - journal.started < 3
    with connect() as connection:
        left = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'bench%'"
        ).fetchall()
    assert left == []
