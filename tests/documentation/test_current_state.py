"""The query for a table's current state in CONNECTORS.md returns it."""

import re

import duckdb
import pytest

from tests.engine.pulumi_project import PROJECT

DOCUMENT = (PROJECT / "docs/CONNECTORS.md").read_text()
INSERTED, EMPTIED = (1, "c", 10), (None, "t", 20)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([INSERTED], {1}),
        ([INSERTED, (1, "u", 15), (2, "r", 11)], {1, 2}),
        ([INSERTED, (1, "d", 15), (2, "c", 11)], {2}),
        ([INSERTED, EMPTIED], set()),
        ([INSERTED, EMPTIED, (2, "c", 21)], {2}),
        ([INSERTED, EMPTIED, (1, "c", 21), (None, "t", 22), (3, "c", 23)], {3}),
    ],
)
def test_it_leaves_out_deletes_and_what_lies_before_a_truncate(
    changes: list[tuple[int | None, str, int]], state: set[int]
) -> None:
    (query,) = re.findall(r"```sql\n(SELECT \* FROM users.*?)```", DOCUMENT, re.DOTALL)
    with duckdb.connect() as database:
        database.execute("CREATE TABLE users (id INT, __op VARCHAR, __source_lsn BIGINT)")
        database.executemany("INSERT INTO users VALUES (?, ?, ?)", changes)
        found = database.execute(query).fetchall()
    assert {row[0] for row in found} == state
