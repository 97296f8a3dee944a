"""The demo waits as long as it must, no longer, and sees what comes late."""

from collections.abc import Iterable

import pytest

from demo.changes import ArchivedChange, Change
from demo.comparison import compare
from demo.watching import Patience, watch

FIRST = Change("public.users", "c", 1, ("a",))
SECOND = Change("public.users", "u", 1, ("b",))
IMPATIENT = Patience(deadline=0.05, settle=0, poll=0.01)
PATIENT = Patience(deadline=60, settle=0, poll=0)


class Written:
    """A journal of what was committed before the watching begins, or of a load that fails."""

    def __init__(self, *changes: Change, error: Exception | None = None) -> None:
        self._changes, self._error = list(changes), error

    def finished(self) -> bool:
        if self._error:
            raise self._error
        return True

    def changes(self) -> list[Change]:
        return self._changes


class Looks:
    """An archive that shows something else at every look, in the end always the last."""

    def __init__(self, *looks: Iterable[Change]) -> None:
        self._looks = [
            [ArchivedChange(change, lsn) for lsn, change in enumerate(look)] for look in looks
        ]
        self.taken = 0

    def __call__(self) -> list[ArchivedChange]:
        self.taken += 1
        return self._looks[min(self.taken, len(self._looks)) - 1]


def silent(committed: int, archived: int, all_committed: bool) -> None:
    """Report nothing."""


def test_it_ends_when_all_has_arrived() -> None:
    archive = Looks([], [FIRST], [FIRST, SECOND])
    archived, arrivals = watch(archive, Written(FIRST, SECOND), PATIENT, silent)
    assert [each.change for each in archived] == [FIRST, SECOND]
    assert archive.taken == 4
    assert len(arrivals.delays([(FIRST, 0.0), (SECOND, 0.0)])["public.users"]) == 2


def test_a_duplicate_that_comes_late_is_seen() -> None:
    archive = Looks([FIRST], [FIRST, FIRST])
    archived, _ = watch(archive, Written(FIRST), PATIENT, silent)
    assert compare([FIRST], [each.change for each in archived]).duplicated == (FIRST,)


def test_it_gives_up_at_the_deadline() -> None:
    archived, _ = watch(Looks([FIRST]), Written(FIRST, SECOND), IMPATIENT, silent)
    assert compare([FIRST, SECOND], [each.change for each in archived]).missing == (SECOND,)


def test_every_look_is_reported() -> None:
    seen: list[tuple[int, int, bool]] = []
    watch(Looks([], [FIRST]), Written(FIRST), PATIENT, lambda *numbers: seen.append(numbers))
    assert seen == [(1, 0, True), (1, 1, True)]


def test_what_goes_wrong_in_the_writing_is_raised() -> None:
    with pytest.raises(ConnectionError, match="lost"):
        watch(Looks([]), Written(error=ConnectionError("lost")), PATIENT, silent)
