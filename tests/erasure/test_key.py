"""A key as it is typed is the one that PostgreSQL and the archive have, or it is refused."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from clients.database import Row
from clients.stack import StackError, StackOutputs, parse_outputs
from erasure.database_rows import has_row, referring_tables
from erasure.key import archived_key, parse_key
from tests.clients.stack_outputs import outputs_with
from tests.unit.postgres_server import running_server

TABLES = """
CREATE TABLE person (id bigint PRIMARY KEY);
CREATE TABLE visit (person_id bigint REFERENCES person, nr int);
CREATE TABLE item (code char(5), size numeric(6, 2), PRIMARY KEY (code, size));
CREATE TABLE ticket (id uuid PRIMARY KEY);
CREATE TABLE day (day date, at timestamp, ok boolean, PRIMARY KEY (day, at, ok));
CREATE TABLE log (note text, clock timestamptz);
INSERT INTO item VALUES ('a', 1.5);
INSERT INTO day VALUES ('2026-01-02', '2026-01-02 03:04:05.000006', true);
"""
COLUMNS = {
    "public.person": [["id", "bigint"]],
    "public.item": [["code", "character(5)"], ["size", "numeric(6,2)"]],
    "public.ticket": [["id", "uuid"]],
    "public.day": [
        ["day", "date"],
        ["at", "timestamp without time zone"],
        ["ok", "boolean"],
    ],
    "public.log": [["note", "text"], ["clock", "timestamp with time zone"]],
}
KEYS = {
    "public.person": ["id"],
    "public.item": ["code", "size"],
    "public.ticket": ["id"],
    "public.day": ["day", "at", "ok"],
    "public.log": [],
}


def outputs() -> StackOutputs:
    return parse_outputs("sandbox", outputs_with(tables=list(KEYS), keys=KEYS, columns=COLUMNS))


@pytest.mark.parametrize(
    ("table", "text", "expected"),
    [
        ("public.person", "42", {"id": "42"}),
        ("public.person", '{"id": 42}', {"id": "42"}),
        ("public.item", '{"code": "a", "size": 1.50}', {"code": "a", "size": "1.50"}),
        ("public.item", '{"size": "1.5", "code": "O\'B"}', {"code": "O'B", "size": "1.5"}),
        ("public.log", '{"note": "ada@example.com"}', {"note": "ada@example.com"}),
        ("public.day", '{"day": "2026-01-02", "at": "x", "ok": true}',
         {"day": "2026-01-02", "at": "x", "ok": "true"}),
    ],
)  # fmt: skip
def test_a_key_is_a_value_or_an_object_of_its_columns(
    table: str, text: str, expected: dict[str, str]
) -> None:
    assert parse_key(outputs(), table, text) == expected


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("public.nobody", "42", r"does not capture 'public\.nobody'; allowed: public\.person"),
        (
            "public.item",
            "42",
            r"'42' is not a valid key of public\.item; allowed: a JSON object of",
        ),
        ("public.item", '{"code": "a"}', r"code is not the key .* object of code, size"),
        ("public.log", "x", "allowed: a JSON object of columns and values"),
        ("public.log", '{"nope": 1}', "nope is not the key .* of note, clock"),
        ("public.log", "{}", "no column is not the key"),
        ("public.person", '{"id": [1]}', "must be a text, a number or a boolean"),
        ("public.person", '{"id": ', "is not valid JSON"),
    ],
)
def test_what_is_not_a_key_is_refused(table: str, text: str, message: str) -> None:
    with pytest.raises(StackError, match=message):
        parse_key(outputs(), table, text)


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection[Row]]:
    """A database with the tables."""
    with running_server() as server:
        opened: Any = server.connect("postgres", dbname="postgres")
        with opened:
            opened.execute(TABLES)
            opened.row_factory = dict_row
            yield opened


def key(connection: psycopg.Connection[Row], table: str, text: str) -> Any:
    found = parse_key(outputs(), table, text)
    return archived_key(connection, outputs(), table, found)


@pytest.mark.postgresql
class TestInPostgreSQL:
    """What a database makes of it."""

    @pytest.mark.parametrize(
        ("table", "text", "archived"),
        [
            ("public.person", " 042 ", {"id": 42}),
            ("public.item", '{"code": "a", "size": 1.5}', {"code": "a    ", "size": 1.5}),
            ("public.ticket", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
             {"id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}),
            ("public.day", '{"day": "2 Jan 2026", "at": "2026-01-02 03:04:05.000006", "ok": "yes"}',
             {"day": 20455, "at": 1767323045000006, "ok": True}),
        ],
    )  # fmt: skip
    def test_values_are_those_that_the_archive_has(
        self, connection: psycopg.Connection[Row], table: str, text: str, archived: dict[str, Any]
    ) -> None:
        assert json.loads(key(connection, table, text).as_json()) == archived

    def test_a_value_that_is_not_of_the_type_is_refused(
        self, connection: psycopg.Connection[Row]
    ) -> None:
        with pytest.raises(
            StackError, match="KEY: 'ada' is not a valid value of id: invalid input"
        ):
            key(connection, "public.person", "ada")

    def test_a_type_by_which_rows_are_not_recognised_is_refused(
        self, connection: psycopg.Connection[Row]
    ) -> None:
        with pytest.raises(StackError, match="clock is a timestamp with time zone, by which rows"):
            key(connection, "public.log", '{"clock": "2026-01-01"}')

    @pytest.mark.parametrize(
        ("table", "text", "present"),
        [
            ("public.item", '{"code": "a", "size": 1.50}', True),
            ("public.item", '{"code": "a", "size": 1.51}', False),
            ("public.day", '{"day": "2026-01-02", "at": "2026-01-02 03:04:05.000006", "ok": true}',
             True),
        ],
    )  # fmt: skip
    def test_a_row_that_is_still_there_is_found(
        self, connection: psycopg.Connection[Row], table: str, text: str, present: bool
    ) -> None:
        assert has_row(connection, key(connection, table, text)) is present

    def test_tables_that_refer_to_the_key_are_named(
        self, connection: psycopg.Connection[Row]
    ) -> None:
        assert referring_tables(connection, key(connection, "public.person", "1")) == [
            "visit (person_id)"
        ]
