"""How a load's rows are read from an archive of many tables."""

from collections import Counter

import pyarrow as pa
import pytest

from bench.archive_reader import archived_rows, wait_for_rows
from bench.iceberg_files import DataFile, IcebergFiles
from bench.journal import BatchJournal, CommittedBatch
from bench.row_values import TABLES, RowValues
from bench.schedule import Batch, Schedule
from clients.archive import ArchiveCommit
from workload.timeouts import Timeouts

ROWS = 10
START = 1_000_000.0
SCHEMAS = ("one", "two", "three")
USERS = tuple(f"{schema}.users" for schema in SCHEMAS)
TIMEOUTS = Timeouts(arrival=0.2, settle=0, poll=0.001)


def journal() -> BatchJournal:
    """Make a journal with an insert of ten rows into the users of each schema."""
    schedule = Schedule(seconds=1, rate=ROWS, batch=ROWS, connections=1, schemas=SCHEMAS)
    first_keys = {f"{schema}.{table}": 1 for schema in SCHEMAS for table in TABLES}
    made = BatchJournal(schedule, RowValues(run="a"), first_keys, first_lsn=0)
    for number, schema in enumerate(SCHEMAS, start=1):
        batch = Batch(schema, "users", "c", 0, ROWS, 0, 0.0)
        made.committed.append(CommittedBatch(batch, number, 5, START, START, START))
    return made


class Archive(IcebergFiles):
    """Data files in memory: of a table, a file for each list of keys, and one more a reading."""

    def __init__(self, files: dict[str, list[list[int]]], later: int = 0) -> None:
        """`later` readings of the first table still lack its last file."""
        self._files, self._later = files, later
        self.readings = Counter[str]()

    def _present(self, table: str) -> list[list[int]]:
        self.readings[table] += 1
        is_late = table == USERS[0] and self.readings[table] <= self._later
        return self._files.get(table, [])[: -1 if is_late else None]

    def commits(self, table: str, since: float) -> list[ArchiveCommit]:
        return [ArchiveCommit(table, since, len(keys), 1, 1) for keys in self._present(table)]

    def files(self, table: str, since: float) -> list[DataFile]:
        return [
            DataFile(f"{table}/{number}", 1, len(keys), since)
            for number, keys in enumerate(self._present(table))
        ]

    def rows(self, table: str, file: DataFile, columns: tuple[str, ...] | None) -> pa.Table:
        keys = self._files[table][int(file.path.rpartition("/")[2])]
        return pa.table(
            {
                "id": pa.array(keys, pa.int64()),
                "email": [f"a-{key}@bench.example.com" for key in keys],
                "first_name": [f"name {key % 1000}" for key in keys],
                "last_name": ["v0"] * len(keys),
                "created_at": pa.array([5] * len(keys), pa.int64()),
                "updated_at": pa.array([5] * len(keys), pa.int64()),
                "__op": ["c"] * len(keys),
                "__deleted": ["false"] * len(keys),
                "__source_lsn": pa.array(keys, pa.int64()),
            }
        )


ALL = list(range(1, ROWS + 1))


def test_a_complete_table_is_not_read_again_while_others_are_waited_for() -> None:
    files = Archive({USERS[0]: [ALL[:4], ALL[4:]], USERS[1]: [ALL], USERS[2]: [ALL]}, later=5)
    wait_for_rows(files, journal(), Timeouts(arrival=30, settle=0, poll=0.001))
    assert files.readings == {USERS[0]: 6, USERS[1]: 1, USERS[2]: 1}


def test_what_each_table_lacks_is_told_when_the_time_is_over() -> None:
    files = Archive({USERS[0]: [ALL[:4]], USERS[1]: [ALL], USERS[2]: []})
    assert wait_for_rows(files, journal(), TIMEOUTS) == {USERS[0]: 6, USERS[2]: ROWS}
    complete = Archive({table: [ALL] for table in USERS})
    assert wait_for_rows(complete, journal(), TIMEOUTS) == {}


@pytest.mark.parametrize(
    ("first", "missing", "duplicated"),
    [([ALL], 0, 0), ([ALL[:7]], 3, 0), ([ALL, ALL[:2]], 0, 2), ([], 10, 0)],
)
def test_each_table_is_compared_whatever_another_one_lacks(
    first: list[list[int]], missing: int, duplicated: int
) -> None:
    files = Archive({USERS[0]: first, USERS[1]: [ALL], USERS[2]: [ALL[:5], ALL[5:]]})
    with archived_rows(files, journal(), TIMEOUTS) as comparison:
        found = {each.table: each for each in comparison.tables()}
    counts = [(found[table].missing, found[table].duplicated) for table in USERS]
    assert counts == [(missing, duplicated), (0, 0), (0, 0)]
    assert sum(each.altered for each in found.values()) == 0


def test_the_settling_time_can_be_used() -> None:
    files = Archive({table: [ALL] for table in USERS})
    passed: list[float] = []
    timeouts = Timeouts(arrival=30, settle=12, poll=0.001)
    with archived_rows(files, journal(), timeouts, passed.append):
        assert passed == [12]
