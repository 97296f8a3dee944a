"""What happens to a captured table is seen by a real PostgreSQL 15, and the next apply mends it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from components.source.schema import CAPTURED, captured_tables_query, record_script
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = pytest.mark.postgresql

TABLES = ("public.t", "public.other", "public.part")
SCHEMA = """
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1, 'a');
INSERT INTO part VALUES (1, 'a');
"""


@dataclass
class Captured:
    """A database whose tables a stack captures."""

    server: PostgresServer

    def apply(self) -> set[str]:
        """Apply the schema as `up` does; return the tables that it says must be read again."""
        applied = self.server.apply_schema(TABLES)
        assert applied.returncode == 0, applied.stderr
        made = self.server.make_account("debezium", TABLES)
        assert made.returncode == 0, made.stderr
        (line,) = (one for one in applied.stdout.splitlines() if one.startswith(CAPTURED))
        known = json.loads(line.removeprefix(CAPTURED))
        self.entries = known["entries"]
        return set(known["missed"])

    def record(self) -> None:
        """Record that the archive has what the last apply found."""
        publication = self.server.settings.publication
        recorded = self.server.psql(
            record_script(self.server.settings.database, publication, self.entries)
        )
        assert recorded.returncode == 0, recorded.stderr

    def found(self, user: str = "debezium") -> dict[str, tuple[str, str]]:
        """Return kind and reason by table, as the worker's account sees them."""
        query = captured_tables_query(self.server.settings, TABLES, "debezium")
        return {name: (kind, reason) for kind, name, reason in self.server.query(query, user)}


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        yield server


@pytest.fixture
def captured(running: PostgresServer) -> Captured:
    running.execute(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        f" DROP PUBLICATION IF EXISTS {running.settings.publication};"
        " ALTER ROLE debezium NOBYPASSRLS; DROP SCHEMA IF EXISTS elsewhere CASCADE"
    )
    running.execute(SCHEMA)
    new = Captured(running)
    assert new.apply() == set(), "tables that are captured for the first time missed nothing"
    assert new.found() == {}
    new.record()
    assert new.found() == {}
    return new


MISSED = [
    (
        "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (2, 'b')",
        {"public.t": "not the table that was captured, which was dropped"},
    ),
    (
        "CREATE TABLE n (LIKE t INCLUDING ALL); ALTER TABLE t RENAME TO t_old;"
        " ALTER TABLE n RENAME TO t",
        {"public.t": "not the table that was captured, which is now t_old"},
    ),
    (
        "ALTER TABLE t RENAME TO x; ALTER TABLE other RENAME TO t; ALTER TABLE x RENAME TO other",
        {
            "public.t": "captured, which is now other",
            "public.other": "captured, which is now t;",
        },
    ),
    (
        "CREATE SCHEMA elsewhere; ALTER TABLE t SET SCHEMA elsewhere;"
        " CREATE TABLE t (id int PRIMARY KEY)",
        {"public.t": "captured, which is now elsewhere.t"},
    ),
    (
        "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY); ALTER PUBLICATION p ADD TABLE t",
        {"public.t": "not the table that was captured"},
    ),
    ("ALTER PUBLICATION p DROP TABLE t", {"public.t": "not in the publication"}),
    (
        "ALTER PUBLICATION p DROP TABLE t; ALTER PUBLICATION p ADD TABLE t",
        {"public.t": "was out of the publication"},
    ),
    (
        "ALTER PUBLICATION p SET TABLE t (id), other, part",
        {"public.t": "a list of columns"},
    ),
    (
        "ALTER PUBLICATION p SET TABLE t WHERE (id > 5), other, part",
        {"public.t": "a row filter"},
    ),
    (
        "ALTER PUBLICATION p SET (publish = 'insert')",
        dict.fromkeys(TABLES, "leaves out operations"),
    ),
    (
        "ALTER PUBLICATION p SET (publish_via_partition_root = false)",
        dict.fromkeys(TABLES, "changes of partitions"),
    ),
    (
        "ALTER PUBLICATION p SET (publish = 'insert');"
        " ALTER PUBLICATION p SET (publish = 'insert, update, delete, truncate')",
        dict.fromkeys(TABLES, "was changed, for some time"),
    ),
    (
        "ALTER TABLE t RENAME TO x; ALTER TABLE x RENAME TO t",
        {"public.t": "had another name or schema for some time"},
    ),
    (
        "CREATE SCHEMA elsewhere; ALTER TABLE part SET SCHEMA elsewhere;"
        " ALTER TABLE elsewhere.part SET SCHEMA public",
        {"public.part": "had another name or schema for some time"},
    ),
    ("ALTER TABLE t REPLICA IDENTITY DEFAULT", {"public.t": "replica identity is not FULL"}),
    ("ALTER TABLE part_1 REPLICA IDENTITY NOTHING", {"public.part": "replica identity"}),
    ("ALTER TABLE t DROP CONSTRAINT t_pkey", {"public.t": "its primary key has changed"}),
    (
        "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (v)",
        {"public.t": "its primary key has changed"},
    ),
    (
        "CREATE TABLE part_2 (LIKE part INCLUDING ALL); INSERT INTO part_2 VALUES (15);"
        " ALTER TABLE part_2 REPLICA IDENTITY FULL;"
        " ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20)",
        {"public.part": "partition part_2 was attached"},
    ),
    (
        "CREATE TABLE sub (LIKE part INCLUDING ALL) PARTITION BY RANGE (id);"
        " CREATE TABLE sub_1 PARTITION OF sub DEFAULT; INSERT INTO sub VALUES (15);"
        " ALTER TABLE sub_1 REPLICA IDENTITY FULL; ALTER TABLE sub REPLICA IDENTITY FULL;"
        " ALTER TABLE part ATTACH PARTITION sub FOR VALUES FROM (10) TO (20)",
        {"public.part": "partition sub was attached"},
    ),
    ("ALTER TABLE part DETACH PARTITION part_1", {"public.part": "part_1 was detached or dropped"}),
    ("DROP TABLE part_1", {"public.part": "part_1 was detached or dropped"}),
]


@pytest.mark.parametrize(("statements", "reasons"), MISSED)
def test_what_the_archive_misses_is_named_until_the_table_is_read_again(
    captured: Captured, statements: str, reasons: dict[str, str]
) -> None:
    publication = captured.server.settings.publication
    for statement in statements.split(";"):
        captured.server.execute(re.sub(r"PUBLICATION p\b", f"PUBLICATION {publication}", statement))

    found = captured.found()
    assert found.keys() == reasons.keys(), found
    for name, reason in reasons.items():
        assert found[name][0] == "missed"
        assert re.search(reason, found[name][1]), found[name]

    assert captured.apply() == reasons.keys()
    # An update that is killed here has repaired the publication, and read nothing again.
    assert {kind for kind, _ in captured.found().values()} == {"missed"}
    assert captured.apply() == reasons.keys()
    captured.record()
    assert captured.found() == {}
    assert captured.apply() == set()


UNHARMFUL = [
    "CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);"
    " INSERT INTO part VALUES (15); ALTER TABLE part_2 REPLICA IDENTITY FULL",
    "CREATE TABLE part_2 (LIKE part INCLUDING ALL); ALTER TABLE part_2 REPLICA IDENTITY FULL;"
    " ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20)",
    "TRUNCATE t",
    "ALTER TABLE t ADD COLUMN w int DEFAULT 5",
    "ALTER TABLE t ALTER COLUMN v TYPE varchar(50)",
    "REINDEX TABLE t",
    "VACUUM FULL t",
    "CREATE TABLE unlisted (id int)",
    "ALTER TABLE t OWNER TO CURRENT_USER",
    "ALTER TABLE t OWNER TO debezium; ALTER TABLE t ADD COLUMN w int; ALTER TABLE t DROP COLUMN v;"
    " ALTER TABLE t RENAME COLUMN w TO u; GRANT SELECT ON t TO PUBLIC; CREATE INDEX ON t (u);"
    " ALTER TABLE t REPLICA IDENTITY FULL; ANALYZE t; ALTER TABLE t SET (fillfactor = 90);"
    " VACUUM FULL pg_type; CREATE TYPE _t AS ENUM ('one')",
]


@pytest.mark.parametrize("statements", UNHARMFUL)
def test_what_misses_nothing_is_not_reported(captured: Captured, statements: str) -> None:
    for statement in statements.split(";"):
        captured.server.execute(statement)
    assert captured.found() == {}
    assert captured.apply() == set()


LOST = [
    ("DROP TABLE t", "there is no such table: create it"),
    ("ALTER TABLE t RENAME TO t2", "but the one that was captured is now t2: list that"),
    ("ALTER TABLE t ADD COLUMN w timetz", "column w, time with time zone"),
    ("CREATE TABLE child () INHERITS (t)", r"child tables by inheritance \(child\)"),
    ('ALTER TABLE t ADD COLUMN "V" text', 'columns "V", v differ by case'),
]


@pytest.mark.parametrize(("statements", "reason"), LOST)
def test_what_can_no_longer_be_archived_is_reported_as_refused(
    captured: Captured, statements: str, reason: str
) -> None:
    captured.server.execute(statements)
    kind, given = captured.found()["public.t"]
    assert kind == "refused"
    assert re.search(reason, given), given


def test_rows_that_a_read_would_not_see_are_reported(captured: Captured) -> None:
    captured.server.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    assert captured.found()["public.t"][0] == "changed"
    assert captured.apply() == set(), "changes are captured whatever the policies say"
    assert captured.found() == {}


def test_a_restored_schema_is_seen_without_a_privilege_on_it(captured: Captured) -> None:
    captured.server.execute("DROP SCHEMA public CASCADE")
    captured.server.execute("CREATE SCHEMA public")
    captured.server.execute(SCHEMA)
    found = captured.found()
    assert found.keys() == set(TABLES)
    assert captured.apply() == set(TABLES)


@pytest.mark.parametrize("new", ["", " FOR ALL TABLES"])
def test_a_publication_that_was_made_by_hand_is_made_right(captured: Captured, new: str) -> None:
    publication = captured.server.settings.publication
    captured.server.execute(f"DROP PUBLICATION {publication}")
    assert {kind for kind, _ in captured.found().values()} == {"changed"}
    captured.server.execute(f"CREATE PUBLICATION {publication}{new}")
    assert captured.found().keys() == set(TABLES)
    assert captured.apply() == set(TABLES), "without its comment, nothing says what was missed"
    captured.record()
    assert captured.found() == {}


def test_an_entry_of_an_earlier_version_says_nothing_about_the_name(captured: Captured) -> None:
    for entry in captured.entries.values():
        del entry["named"]
    captured.record()
    captured.server.execute("ALTER TABLE t RENAME TO x")
    captured.server.execute("ALTER TABLE x RENAME TO t")
    assert captured.found() == {}
    assert captured.apply() == set()
    assert "named" in captured.entries["public.t"]


def test_a_table_that_is_added_is_not_one_that_missed_something(captured: Captured) -> None:
    captured.server.execute("CREATE TABLE added (id int PRIMARY KEY)")
    applied = captured.server.apply_schema((*TABLES, "public.added"))
    (line,) = (one for one in applied.stdout.splitlines() if one.startswith(CAPTURED))
    assert json.loads(line.removeprefix(CAPTURED))["missed"] == []


def test_a_comment_of_somebody_else_is_no_record(captured: Captured) -> None:
    publication = captured.server.settings.publication
    captured.server.execute(f"COMMENT ON PUBLICATION {publication} IS 'ours, {{not json}}'")
    assert captured.found() == {}
