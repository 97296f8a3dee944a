"""Rows that change while they are compared are no differences; rows that stay wrong are."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest

from tests.verification.conftest import QUICK, Database
from tests.verification.memory_archive import KnownPosition, MemoryTable
from verification.keyed_comparison import ROUNDS

pytestmark = pytest.mark.postgresql

KINDS = {"id": pa.int32(), "v": pa.string()}
TABLE = "public.t"


class Meanwhile(KnownPosition):
    """Something happens whenever the comparison asks how far the archive is."""

    def __init__(self, happens: Callable[[int], None], after: int = 0) -> None:
        super().__init__(after)
        self.happens = happens

    def passed(self, table: str, lsn: int) -> bool:
        self.happens(len(self.asked))
        return super().passed(table, lsn)


@pytest.fixture
def archive(database: Database) -> MemoryTable:
    """The archive of a table with the rows 1 to 3."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    database.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    archive = database.archived("t", KINDS)
    archive.add("r", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 3, "v": "c"}])
    return archive


def test_a_change_that_arrives_late_is_waited_for(database: Database, archive: MemoryTable) -> None:
    database.execute("UPDATE t SET v = 'new' WHERE id = 2")
    at = database.lsn() - 1

    def arrive(asked: int) -> None:
        if asked == 2:
            archive.add("u", [{"id": 2, "v": "new"}], at)

    position = Meanwhile(arrive, after=10)
    result = database.compare(TABLE, position=position)
    assert (result.equal, result.differs, result.error) == (3, False, None)
    assert len(position.asked) == 3


def test_what_does_not_arrive_is_a_difference_once_the_archive_is_further(
    database: Database, archive: MemoryTable
) -> None:
    database.execute("UPDATE t SET v = 'new' WHERE id = 2")
    result = database.compare(TABLE, position=KnownPosition(after=3))
    assert (result.equal, result.different, result.columns) == (2, 1, {"v": 1})
    assert [example.key for example in result.examples] == ["id=2"]


def test_without_the_position_nothing_is_claimed(database: Database, archive: MemoryTable) -> None:
    database.execute("UPDATE t SET v = 'new' WHERE id = 2")
    impatient = replace(QUICK, wait_seconds=0.1)
    result = database.compare(TABLE, position=KnownPosition(after=10**9), options=impatient)
    assert result.error is not None
    assert "did not reach the WAL position" in result.error
    assert "1 rows differ so far" in result.error
    assert not result.differs


def test_transactions_in_progress_are_no_difference(
    database: Database, archive: MemoryTable
) -> None:
    """One commits before the archive's first reading, one before that of the differing rows."""
    with database.connect() as first, database.connect() as second:
        open_transactions = {}
        for key, connection in ((2, first), (3, second)):
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET v = 'new' WHERE id = %s", [key])
            open_transactions[key] = (connection, database.lsn() - 1)

        class Committing(MemoryTable):
            @property
            def paths(self) -> frozenset[str]:
                if open_transactions:
                    key = min(open_transactions)
                    connection, at = open_transactions.pop(key)
                    connection.execute("COMMIT")
                    self.add("u", [{"id": key, "v": "new"}], at)
                return super().paths

        database.archive[TABLE] = Committing(KINDS, archive.files)
        result = database.compare(TABLE)
    assert not open_transactions
    assert (result.equal, result.differs, result.error) == (3, False, None)


def test_a_row_that_always_changes_is_not_called_equal_or_different(
    database: Database, archive: MemoryTable
) -> None:
    archive.add("u", [{"id": 2, "v": "of a transaction in progress"}], database.lsn() - 1)
    snapshots: list[int] = []

    class Later(KnownPosition):
        def passed(self, table: str, lsn: int) -> bool:
            snapshots.append(lsn)
            database.execute("SELECT pg_logical_emit_message(false, 'test', 'more WAL')")
            archive.add("u", [{"id": 2, "v": f"{len(snapshots)}"}], lsn)
            return True

    result = database.compare(TABLE, position=Later())
    assert len(snapshots) == 1 + ROUNDS  # by its range, then by its key
    assert (result.unsettled, result.differs, result.is_compared) == (1, False, False)


def test_changes_after_the_snapshot_are_left_out(database: Database, archive: MemoryTable) -> None:
    archive.add("u", [{"id": 2, "v": "of the future"}], database.lsn() + 10**9)
    result = database.compare(TABLE)
    assert (result.equal, result.differs) == (3, False)


def test_replaced_files_are_read_again(database: Database, archive: MemoryTable) -> None:
    database.execute("UPDATE t SET v = 'new' WHERE id = 2")
    at = database.lsn() - 1

    def compact(asked: int) -> None:
        if asked == 1:
            archive.files.clear()
            archive.add("r", [{"id": 1, "v": "a"}, {"id": 3, "v": "c"}])
            archive.add("u", [{"id": 2, "v": "new"}], at)
            archive.files = {f"compacted-{name}": rows for name, rows in archive.files.items()}

    result = database.compare(TABLE, position=Meanwhile(compact, after=10))
    assert (result.equal, result.differs) == (3, False)


def test_a_lost_connection_is_an_error(database: Database, archive: MemoryTable) -> None:
    database.execute("UPDATE t SET v = 'new' WHERE id = 2")

    def end(_: int) -> None:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    result = database.compare(TABLE, position=Meanwhile(end, after=10))
    assert result.error is not None
    assert not result.differs


def test_a_statement_ends_in_time(database: Database, archive: MemoryTable) -> None:
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        result = database.compare(TABLE, options=replace(QUICK, statement_seconds=1))
    assert result.error is not None
    assert "timeout" in result.error
