"""The demo waits as long as it must, no longer, and sees what comes late."""

from collections.abc import Sequence
from types import TracebackType

import pyarrow as pa
import pytest

from clients.archive import NOTHING_YET
from demo.run import Reader
from workload.changes import CapturedTable, Change, Commit, Journal
from workload.comparison import Comparison
from workload.timeouts import Timeouts, wait_for_archive

USERS = CapturedTable("public.users", ("id", "email"))
FIRST = Change("public.users", "c", 1, (1, "a"))
SECOND = Change("public.users", "u", 1, (1, "b"))
IMPATIENT = Timeouts(arrival=0.05, settle=0, poll=0.01)
PATIENT = Timeouts(arrival=60, settle=0, poll=0)


class Written:
    """A writer that has finished, or has failed."""

    def __init__(self, *changes: Change, error: Exception | None = None) -> None:
        self.journal = Journal([Commit(changes, 0.0)])
        self.first_lsn, self.last_lsn = 0, 100
        self._error = error

    def finished(self) -> bool:
        if self._error:
            raise self._error
        return True


class Looks:
    """An archive that shows something else at every reading, in the end always the last."""

    def __init__(self, *looks: Sequence[Change]) -> None:
        self._looks = looks
        self.taken = 0

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        self.taken += 1
        look = self._looks[min(self.taken, len(self._looks)) - 1]
        if not look:
            return NOTHING_YET
        rows = USERS.records(look)
        rows = rows.append_column("__deleted", pa.array(["false"] * len(look)))
        return rows.append_column("__source_lsn", pa.array(range(len(look))))

    def location(self, table: str) -> str:
        return table


class Reading:
    """A reader over these, and its comparison."""

    def __init__(self, archive: Looks, writer: Written) -> None:
        self.comparison = Comparison([USERS])
        self.reported: list[str] = []
        self.reader = Reader(
            archive,
            [USERS],
            writer,  # type: ignore[arg-type]  as far as a reader uses one
            self.comparison,
            self.reported.append,
        )

    def __enter__(self) -> "Reading":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.comparison.__exit__()


def test_it_ends_when_everything_has_arrived() -> None:
    archive = Looks([], [FIRST], [FIRST, SECOND])
    with Reading(archive, Written(FIRST, SECOND)) as reading:
        assert wait_for_archive(reading.reader.is_complete, PATIENT) is not None
        assert archive.taken == 3
        assert reading.comparison.tables()[0].agrees
        assert len(reading.comparison.delays()["public.users"]) == 2
        assert reading.reported[-1] == "waiting for the archive: 2 changes committed, 2 archived"


def test_a_duplicate_that_comes_late_is_seen() -> None:
    with Reading(Looks([FIRST], [FIRST, FIRST]), Written(FIRST)) as reading:
        assert wait_for_archive(reading.reader.is_complete, PATIENT) is not None
        reading.reader.read()
        assert reading.comparison.tables()[0].duplicated == 1


def test_it_gives_up_when_the_time_is_over() -> None:
    with Reading(Looks([FIRST]), Written(FIRST, SECOND)) as reading:
        assert wait_for_archive(reading.reader.is_complete, IMPATIENT) is None
        assert reading.comparison.tables()[0].missing == 1


def test_what_goes_wrong_in_the_writing_is_raised() -> None:
    with (
        Reading(Looks([]), Written(error=ConnectionError("lost"))) as reading,
        pytest.raises(ConnectionError, match="lost"),
    ):
        reading.reader.read()


def test_a_timeout_of_reading_the_archive_is_no_late_archive() -> None:
    def read() -> bool:
        raise TimeoutError("S3")

    with pytest.raises(TimeoutError, match="S3"):
        wait_for_archive(read, PATIENT)
