"""A rate above the shop's: a second load in bulk, each of whose rows is compared as the shop's are.

A real PostgreSQL whose audit trigger replaces the archive: what it keeps is read as data files.
"""

import time
from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pytest

from bench.session import Session
from chaos import bulk_archive
from chaos.bulk_archive import BulkArchive
from chaos.bulk_load import BulkLoad
from chaos.observation import Observation, Observer
from clients.stack import StackError
from polling import poll_until
from tests.audit import TABLES, AuditArchive, audited_server, connect_to
from workload.changes import as_archived
from workload.source import Connect, sample_tables
from workload.writer import Writer

pytestmark = pytest.mark.postgresql
RATE = 2000.0


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    with audited_server() as server:
        yield connect_to(server)


class Files:
    """The audit's rows as data files, of which each reading counts."""

    def __init__(self, archive: AuditArchive, parts: int = 3) -> None:
        self._archive, self.parts = archive, parts
        self.read: list[str] = []
        self.deleted = 0
        """readings that meet a file which is gone"""
        self.surplus: dict[str, pa.Table] = {}
        """by table: rows of one more file"""

    def open(self, _archive: object, table: str, from_lsn: int) -> Any:
        rows = self._archive.changes(table, since_lsn=from_lsn)
        size = -(-max(rows.num_rows, 1) // self.parts)
        content = {
            f"{self.parts}/{part}": rows.slice(part * size, size) for part in range(self.parts)
        }
        if table in self.surplus:
            content["surplus"] = self.surplus[table]
        return SimpleNamespace(
            paths=frozenset(content), chunks=lambda paths, _: self._chunks(paths, content)
        )

    def _chunks(self, paths: Collection[str], content: dict[str, pa.Table]) -> Iterator[pa.Table]:
        for path in sorted(paths):
            if self.deleted:
                self.deleted -= 1
                raise FileNotFoundError(path)
            self.read.append(path)
            yield content[path]


class Run:
    """A shop and a bulk load that have ended, and the archive's files."""

    def __init__(self, connect: Connect, monkeypatch: pytest.MonkeyPatch, **ignored: str) -> None:
        self.connect, self.archive = connect, AuditArchive(connect)
        self.files = Files(self.archive)
        monkeypatch.setattr(bulk_archive, "open_table", self.files.open)
        with connect() as connection:
            tables = sample_tables(connection, TABLES)
        self.writer = Writer(connect, tables, seed=1, rate=120)
        self.bulk = BulkLoad(connect, RATE, seed=2)
        self.read = BulkArchive(self.archive, self.bulk, ignored)
        pipeline: Any = SimpleNamespace(
            archive=self.archive, database=connect, answering_database=connect
        )
        self.observer = Observer(pipeline, tables.values(), self.writer, self.read)

    def write(self, seconds: float = 2) -> None:
        with self.bulk, self.writer:
            time.sleep(seconds)

    def observe(self, complete_from: int | None = None) -> Observation:
        with self.observer as observer:
            return observer.observe(complete_from is None, complete_from or 0)

    def row(self, table: str) -> dict[str, Any]:
        """Return an archived row of the bulk load, of a change that is not a delete."""
        rows = self.archive.changes(table, since_lsn=self.bulk.journal.first_lsn)
        kept = rows.filter(pyarrow.compute.not_equal(rows.column("__op"), "d"))
        first = self.bulk.journal.first_keys[table]
        found: dict[str, Any] = next(row for row in kept.to_pylist() if row["id"] >= first)
        return found


@pytest.fixture
def run(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(connect, monkeypatch)


def test_each_row_of_both_loads_is_accounted_for(run: Run) -> None:
    run.write(3)
    seen = run.observe()
    assert (seen.missing, seen.duplicated, seen.altered, seen.differing) == (0, 0, 0, 0)
    bulk = run.bulk.journal.rows
    assert seen.committed == bulk + run.writer.journal.rows
    assert bulk > 2 * RATE
    assert run.writer.journal.rows > 50


def test_as_many_rows_are_deleted_as_inserted(run: Run) -> None:
    run.write()
    batches = list(run.bulk.journal.schedule.batches(0))[:5000]
    kinds = {kind: sum(each.operation == kind for each in batches) for kind in "cud"}
    assert kinds["c"] == pytest.approx(kinds["d"], rel=0.1)
    assert kinds["u"] > 1000


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Observation(duplicated=1)),
        ({"updated_at": 0}, Observation(altered=1)),
    ],
)
def test_a_wrong_row_is_found(run: Run, change: dict[str, Any], expected: Observation) -> None:
    run.write()
    row = {**run.row("public.products"), **change}
    run.files.surplus["public.products"] = pa.Table.from_pylist([row])
    seen = run.observe()
    assert (seen.missing, seen.duplicated, seen.altered) == (
        expected.missing,
        expected.duplicated,
        expected.altered,
    )


def test_a_missing_row_is_outstanding(run: Run) -> None:
    run.write()
    row = run.row("public.orders")

    def without(table: str, rows: pa.Table) -> pa.Table:
        if table != "public.orders":
            return rows
        same = pyarrow.compute.equal(rows.column("__source_lsn"), row["__source_lsn"])
        return rows.filter(pyarrow.compute.invert(same))

    run.archive.alter = without
    with run.observer as observer:
        assert not observer.holds(until=time.time())
        assert observer.outstanding == 1
        assert observer.holds(until=run.bulk.journal.started)  # nothing was due yet
        assert observer.observe(True, 0).missing == 1
        run.archive.alter = lambda _table, rows: rows
        run.files.parts = 2  # other files
        assert observer.holds(until=time.time())


def test_a_file_is_read_once_and_again_when_files_were_replaced(run: Run) -> None:
    run.write()
    with run.observer as observer:
        assert observer.holds(until=time.time())
        once = len(run.files.read)
        assert once == 3 * len(TABLES)
        assert observer.holds(until=time.time())
        assert len(run.files.read) == once
        run.files.parts = 1  # compacted
        assert observer.holds(until=time.time())
        assert len(run.files.read) == once + len(TABLES)
        assert observer.observe(True, 0).duplicated == 0


def test_a_file_that_is_deleted_before_it_is_read_is_listed_again(run: Run) -> None:
    run.write()
    run.files.deleted = bulk_archive.ATTEMPTS - 1
    assert run.observe().missing == 0


def test_files_that_stay_away_are_an_error(run: Run) -> None:
    run.write(0.5)
    run.files.deleted = 1000
    with pytest.raises(FileNotFoundError):
        run.observe()


def test_a_second_reading_of_the_tables_shows_the_rows_state(run: Run) -> None:
    """A slot was lost: the tables are emptied and read again, and what was before is missing."""
    run.write()
    table = "public.users"
    everything = run.archive.changes(table, since_lsn=run.bulk.journal.first_lsn)
    middle = sorted(everything.column("__source_lsn").to_pylist())[everything.num_rows // 2]
    last = max(everything.column("__source_lsn").to_pylist()) + 1
    with run.connect() as connection:
        found = connection.execute("SELECT * FROM users").fetchall()
    snapshot = [
        {"id": row["id"], "email": row["email"], "first_name": row["first_name"],
         "last_name": row["last_name"], "created_at": as_archived(row["created_at"]),
         "updated_at": as_archived(row["updated_at"]), "__op": "r", "__deleted": "false",
         "__source_lsn": last + 1}
        for row in found
    ]  # fmt: skip
    emptied = dict.fromkeys(snapshot[0]) | {
        "__op": "t",
        "__deleted": "false",
        "__source_lsn": last,
    }
    run.archive.alter = lambda name, rows: (
        rows.filter(pyarrow.compute.less(rows.column("__source_lsn"), middle))
        if name == table
        else rows
    )
    with run.observer as observer:
        lost = observer.observe(False, 0)
        assert lost.missing
        assert lost.differing
        run.files.surplus[table] = pa.Table.from_pylist([emptied, *snapshot])
        recovered = observer.observe(False, 0)
    assert (recovered.missing, recovered.altered) == (lost.missing, 0)
    assert recovered.differing == 0


def test_an_ignored_column_is_not_compared(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(connect, monkeypatch, **{"public.users": "created_at"})
    run.write()

    def changed(table: str, rows: pa.Table) -> pa.Table:
        if table != "public.users":
            return rows
        place = rows.column_names.index("created_at")
        return rows.set_column(place, "created_at", pa.array(["x"] * rows.num_rows))

    run.archive.alter = changed
    with run.read as read:
        for table in TABLES:
            read.changes(table)
        assert all(each.agrees for each in read.tables())


def test_nothing_is_written_during_a_pause(connect: Connect) -> None:
    with BulkLoad(connect, RATE, seed=3) as bulk:
        time.sleep(0.5)
        bulk.pause()
        rows = bulk.journal.rows
        time.sleep(0.5)
        assert bulk.journal.rows == rows
        bulk.resume()
        time.sleep(1)
        assert bulk.journal.rows < rows + 3 * RATE  # what was due in the pause is not
        poll_until(lambda: bulk.journal.rows > rows, timeout=60, interval=1, description="rows")


def test_lost_connections_lose_and_repeat_nothing(run: Run, connect: Connect) -> None:
    with run.bulk, run.writer, connect() as other:
        for _ in range(4):
            other.execute("SELECT pg_sleep(0.4)")
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        time.sleep(2)
    seen = run.observe()
    assert (seen.missing, seen.duplicated, seen.altered, seen.differing) == (0, 0, 0, 0)


def test_rows_that_others_change_end_the_load(connect: Connect) -> None:
    bulk = BulkLoad(connect, RATE, seed=4)
    changed = pytest.raises(StackError, match="something else changes the load's rows")
    with changed, bulk, connect() as other:
        first = bulk.journal.first_keys["public.order_items"]
        for _ in range(10):  # the load may have written none of them yet
            time.sleep(0.5)
            other.execute("DELETE FROM order_items WHERE id >= %s", [first])


def test_a_transaction_in_doubt_is_settled_after_the_end(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks in a commit; the load ends before the server can be asked."""
    bulk = BulkLoad(connect, RATE, seed=5)
    with bulk:
        time.sleep(0.3)
    batch = next(bulk.journal.schedule.batches(0))._replace(first=10**6)
    wanted = [True]
    session = Session(connect, bulk.journal, lambda: wanted[0])
    change = session._change

    def breaks(connection: Any, changed: Any) -> None:
        change(connection, changed)
        connection.execute("COMMIT")
        wanted[0] = False
        connection.close()

    monkeypatch.setattr(session, "_change", breaks)
    done = session.execute(batch, time.time())
    session.close()
    assert done is not None
    assert done.batch == batch
