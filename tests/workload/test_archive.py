"""Reading the archive: as long as it must take, no longer, and what comes late is seen."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from clients.archive import NO_CHANGES
from workload.archive import ArchiveReader
from workload.changes import CapturedTable, Change, Commit, Journal
from workload.timeouts import Timeouts, wait_for_archive

USERS = CapturedTable("public.users", ("id", "email"))
FIRST = Change("public.users", "c", 1, (1, "a"))
SECOND = Change("public.users", "u", 1, (1, "b"))
READ = Change("public.users", "r", 1, (1, "b"))
IMPATIENT = Timeouts(arrival=0.05, settle=0, poll=0.01)
PATIENT = Timeouts(arrival=60, settle=0, poll=0)


class Written:
    """A writer that has finished."""

    def __init__(self, *changes: Change) -> None:
        self.journal = Journal([Commit((change,), float(at)) for at, change in enumerate(changes)])
        self.first_lsn = 0
        self.last_lsn: int | None = 100


class Looks:
    """An archive that shows something else at every reading, in the end always the last."""

    def __init__(self, *looks: Sequence[Change], lsn: int = 0) -> None:
        self._looks, self._lsn = looks, lsn
        self.taken = 0

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        self.taken += 1
        look = self._looks[min(self.taken, len(self._looks)) - 1]
        if not look:
            return NO_CHANGES
        rows = USERS.records(look)
        rows = rows.append_column("__deleted", pa.array(["false"] * len(look)))
        lsns = range(self._lsn, self._lsn + len(look))
        return rows.append_column("__source_lsn", pa.array(lsns))

    def location(self, table: str) -> str:
        return table


@contextmanager
def reading(archive: Looks, *written: Change, **options: bool) -> Iterator[ArchiveReader]:
    writer: Any = Written(*written)
    with ArchiveReader(archive, [USERS], writer, **options) as reader:
        yield reader


def test_it_ends_when_everything_has_arrived() -> None:
    archive = Looks([], [FIRST], [FIRST, SECOND])
    with reading(archive, FIRST, SECOND) as reader:
        assert wait_for_archive(reader.is_complete, PATIENT) is not None
        assert archive.taken == 3
        assert reader.tables[0].agrees
        first, second = reader.delays()["public.users"]
        assert first < second + 1


def test_a_duplicate_that_comes_late_is_seen() -> None:
    with reading(Looks([FIRST], [FIRST, FIRST]), FIRST) as reader:
        assert wait_for_archive(reader.is_complete, PATIENT) is not None
        reader.read()
        assert reader.tables[0].duplicated == 1


def test_it_gives_up_when_the_time_is_over() -> None:
    with reading(Looks([FIRST]), FIRST, SECOND) as reader:
        assert wait_for_archive(reader.is_complete, IMPATIENT) is None
        assert (reader.committed, reader.missing) == (2, 1)


def test_what_was_committed_until_a_moment_can_be_complete() -> None:
    with reading(Looks([FIRST]), FIRST, SECOND) as reader:
        assert reader.is_complete(until=0.5)
        assert not reader.is_complete()


def test_changes_after_the_writers_end_are_those_of_others() -> None:
    with reading(Looks([FIRST, SECOND], lsn=99), FIRST) as reader:
        assert reader.is_complete()
        assert reader.tables[0].agrees


@pytest.mark.parametrize(("ignore_snapshots", "differing"), [(True, 0), (False, 1)])
def test_a_later_snapshot_shows_the_rows_state(ignore_snapshots: bool, differing: int) -> None:
    """The archive has lost the update; a snapshot after the writer's end has read its row."""
    archive = Looks([FIRST, READ], lsn=99)
    with reading(archive, FIRST, SECOND, ignore_snapshots=ignore_snapshots) as reader:
        reader.read()
        assert (reader.missing, reader.tables[0].altered) == (1, 0)
        assert len(reader.row_differences(Database)) == differing


class Database:
    """A database that has the row as the update left it."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, _query: object, _parameters: object) -> "Database":
        return self

    def fetchall(self) -> list[dict[str, Any]]:
        return [{"id": 1, "email": "b"}]


def test_a_timeout_of_reading_is_not_taken_for_a_late_archive() -> None:
    def read() -> bool:
        raise TimeoutError("S3")

    with pytest.raises(TimeoutError, match="S3"):
        wait_for_archive(read, PATIENT)
