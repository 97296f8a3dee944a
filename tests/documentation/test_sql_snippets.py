"""The SQL of docs/ATHENA.md is that of its engine, and gives the rows that the views give."""

import re
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

PAGE = (Path(__file__).parents[2] / "docs" / "ATHENA.md").read_text()
SNIPPETS = re.findall(r"<!-- sql: (\w+) -->\n\n```sql\n(.*?)```", PAGE, re.DOTALL)
OF_ATHENA = re.findall(r"(?<!-->\n\n)```sql\n(.*?)```", PAGE, re.DOTALL)

# id, change, position in the WAL: a first row before a TRUNCATE, an update, a move of a key, a row
# that a sink wrote twice, and a delete.
CHANGES = [
    (9, "c", 5),
    (None, "t", 10),
    (1, "c", 20),
    (1, "u", 30),
    (2, "c", 40),
    (2, "d", 50),
    (2, "c", 50),
    (3, "c", 60),
    (3, "c", 60),
    (4, "c", 70),
    (4, "d", 80),
]


def parsed(sql: str, dialect: str) -> exp.Query:
    [tree] = sqlglot.parse(sql, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(tree, exp.Query)
    return tree


def test_there_are_snippets_of_each_engine() -> None:
    assert [dialect for dialect, _ in SNIPPETS] == ["trino", "spark", "spark"]
    assert len(OF_ATHENA) == 1


@pytest.mark.parametrize("sql", OF_ATHENA)
def test_athenas_are_in_its_grammar(sql: str) -> None:
    assert parsed(sql, "athena").find(exp.Table)


@pytest.mark.parametrize(("dialect", "sql"), [each for each in SNIPPETS if "place = 1" in each[1]])
def test_the_present_is_right(dialect: str, sql: str) -> None:
    with duckdb.connect() as database:
        for function, divisor in (("timestamp_micros", 1), ("from_unixtime_nanos", 1000)):
            database.execute(
                f"CREATE MACRO {function}(value) AS make_timestamp(value // {divisor})"
            )
        database.execute("ATTACH ':memory:' AS archive; CREATE SCHEMA archive.cdc")
        database.execute(
            "CREATE TABLE archive.cdc.users (id INTEGER, __op VARCHAR, __source_lsn BIGINT,"
            " email VARCHAR, first_name VARCHAR, last_name VARCHAR, created_at BIGINT)"
        )
        for id_, operation, lsn in CHANGES:
            database.execute(
                "INSERT INTO archive.cdc.users VALUES ($1, $2, $3, 'e' || $3, '', '', $3)",
                [id_, operation, lsn],
            )
        rows = database.execute(parsed(sql, dialect).sql("duckdb")).fetchall()
    assert sorted((row[0], row[1]) for row in rows) == [(1, "e30"), (2, "e50"), (3, "e60")]


@pytest.mark.parametrize(
    ("dialect", "sql"), [each for each in SNIPPETS if "captured_at" in each[1]]
)
def test_the_history_has_times(dialect: str, sql: str) -> None:
    names = parsed(sql, dialect).named_selects
    assert names == [
        "id",
        "email",
        "created_at",
        "__op",
        "committed_at",
        "captured_at",
        "__source_lsn",
    ]
