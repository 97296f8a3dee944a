"""What earlier versions changed or lost without a word is found, by table, column and key.

The archives are as those versions wrote them: values and rows of public bug reports, as seen on a
deployed pipeline.
"""

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from tests.verification.conftest import Database
from tests.verification.memory_archive import MemoryTable
from verification.result import Kind, TableResult

pytestmark = pytest.mark.postgresql

KEY = {"id": pa.int32()}
INTEGERS, TEXTS, FLOATS = pa.list_(pa.int32()), pa.list_(pa.string()), pa.list_(pa.float64())


@dataclass(frozen=True)
class Changed:
    """A value, and what the archive had for it."""

    name: str
    type: str
    value: str | None
    kind: pa.DataType | None
    """None: the archive had no such column"""
    archived: Any = field(default=None)


CHANGED = [
    Changed("real NaN", "real", "NaN", pa.float32(), 0.0),
    Changed("real Infinity", "real", "Infinity", pa.float32(), 0.0),
    Changed("double NaN", "float8", "NaN", pa.float64(), 0.0),
    Changed("double -Infinity", "float8", "-Infinity", pa.float64(), 0.0),
    Changed("double -0", "float8", "-0", pa.float64(), 0.0),
    Changed("double array", "float8[]", "{NaN,1}", FLOATS, [0.0, 1.0]),
    Changed("numeric NaN", "numeric", "NaN", pa.string(), "NAN"),
    Changed("numeric Infinity", "numeric", "Infinity", pa.string(), "POSITIVE_INFINITY"),
    Changed("numeric -Infinity", "numeric", "-Infinity", pa.string(), "NEGATIVE_INFINITY"),
    Changed("numeric array", "numeric[]", "{NaN,1}", TEXTS, None),
    Changed("numeric(5,-2)", "numeric(5,-2)", "12300", pa.string(), "12300." + "0" * 2046),
    Changed("money, large", "money", "90071992547409.93", pa.string(), "9.007199254740994E13"),
    Changed("money, small", "money", "0.10", pa.string(), "0.1"),
    Changed("integers in two dimensions", "int[][]", "{{1,2},{3,4}}", INTEGERS, [None, None]),
    Changed("texts in two dimensions", "text[][]", "{{a,b},{c,d}}", TEXTS,
            ["[Ljava.lang.String;@2e3975c4", "[Ljava.lang.String;@9f70c54"]),
    Changed("date 0001", "date", "0001-01-01", pa.int32(), -719_164),
    Changed("date 1582", "date", "1582-10-10", pa.int32(), -141_417),
    Changed("date BC", "date", "0044-03-15 BC", pa.int32(), -703_293),
    Changed("date infinity", "date", "infinity", pa.int32(), -2_147_483_648 + 1),
    Changed("date -infinity", "date", "-infinity", pa.int32(), -2_147_483_648 + 2),
    Changed("timestamp overflow", "timestamp", "294276-12-31", pa.int64(), -9_223_371_331_200_000),
    Changed("timestamp(3) in milliseconds", "timestamp(3)", "2024-02-29 12:34:56.789", pa.int64(),
            1_709_210_096_789),
    Changed("timestamp infinity", "timestamp", "infinity", pa.int64(), 9_223_372_036_825_200_000),
    Changed("interval month", "interval", "1 month", pa.int64(), 2_629_800_000_000),
    Changed("interval days", "interval", "30 days 10:30", pa.int64(), 2_629_800_000_000),
    Changed("timetz", "timetz", "24:00+00", pa.string(), "00:00:00Z"),
    Changed("varbit 0", "varbit", "0", pa.binary(), b""),
    Changed("varbit 000", "varbit", "000", pa.binary(), b""),
    *(
        Changed(kind, kind, value, None)
        for kind, value in {
            "pair": "(1,x)", "tsvector": "'fat':2A", "polygon": "((0,0),(1,1),(1,0))",
            "box": "(1,1),(0,0)", "int4multirange": "{[1,2)}", "pg_lsn": "16/B374D848",
            "interval[]": "{1 mon}", "regclass": "pg_class", "xid": "12345", "tid": "(0,1)",
            "tsquery": "'fat'", "jsonpath": '$."a"',
        }.items()
    ),
    Changed("name", "name", "abc", pa.string(), None),
    Changed("column that became double, fraction", "float8", "7.9", pa.int32(), 7),
    Changed("column that became double, large", "float8", "1e10", pa.int32(), 2_147_483_647),
    Changed("column that became text", "text", "hello123", pa.binary(),
            b"\x85\xe9\x65\xa3\x5d\xb7"),
    Changed("column that became date", "date", "2024-02-29", pa.int64(), 1_709_164_800_000_000),
    Changed("column that became timestamp", "timestamp", "2024-02-29", pa.int64(), 19_782),
    Changed("column that became numeric", "numeric(10,2)", "1.5", pa.string(), "1.5"),
]  # fmt: skip


@pytest.mark.parametrize("case", CHANGED, ids=lambda case: case.name)
def test_a_value_that_was_changed(database: Database, case: Changed) -> None:
    database.execute(f"CREATE TABLE t (id int PRIMARY KEY, other text, v {case.type})")
    insert = f"INSERT INTO t VALUES (%s, 'x', %s::text::{case.type})"  # noqa: S608
    database.execute(insert, [1, case.value])
    database.execute(insert, [2, None])
    kinds = {**KEY, "other": pa.string(), **({} if case.kind is None else {"v": case.kind})}
    archive = database.archived("t", kinds)
    archive.add("c", [{"id": 1, "other": "x", "v": case.archived}, {"id": 2, "other": "x"}])
    result = database.compare("public.t")
    assert (result.error, result.equal, result.different) == (None, 1, 1)
    assert result.columns == {"v": 1}
    assert [(example.key, example.kind) for example in result.examples] == [
        ("id=1", Kind.DIFFERENT)
    ]


def test_a_generated_column(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, w int GENERATED ALWAYS AS (id * 2) STORED)"
    )
    database.execute("INSERT INTO t VALUES (1), (2)")
    archive = database.archived("t", {**KEY, "w": pa.int32()})
    archive.add("r", [{"id": 1, "w": 2}])
    archive.add("c", [{"id": 2}], 10)
    result = database.compare("public.t")
    assert result.columns == {"w": 1}
    assert [example.key for example in result.examples] == ["id=2"]
    assert any("w is generated" in each for each in result.explanations)


def test_a_name_outside_ascii(database: Database) -> None:
    database.execute('CREATE TABLE t (id int PRIMARY KEY, "naïve" text)')
    database.execute("INSERT INTO t VALUES (1, 'x')")
    archive = database.archived("t", {**KEY, "naïve": pa.string(), "naￃﾯve": pa.string()})
    archive.add("c", [{"id": 1, "naￃﾯve": "x"}])
    result = database.compare("public.t")
    assert result.columns == {"naïve": 1}
    assert any("naￃﾯve" in note for note in result.notes)


def test_names_that_differ_by_case(database: Database) -> None:
    database.execute('CREATE TABLE t (id int PRIMARY KEY, "Name" text, name text)')
    database.execute("INSERT INTO t VALUES (1, 'upper', 'lower')")
    database.archived("t", {**KEY, "name": pa.string()}).add("r", [{"id": 1, "name": "lower"}])
    assert database.compare("public.t").columns == {"Name": 1}


class TestLostRows:
    """Rows that were not captured."""

    ROWS = tuple({"id": number, "v": f"{number}"} for number in range(1, 6))

    @staticmethod
    def archive(database: Database) -> MemoryTable:
        archive = database.archived("t", {**KEY, "v": pa.string()})
        archive.add("r", TestLostRows.ROWS)
        return archive

    @staticmethod
    def create(database: Database, name: str = "t") -> None:
        database.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)")
        database.execute(f"INSERT INTO {name} SELECT i, i::text FROM generate_series(1, 5) i")  # noqa: S608

    @staticmethod
    def kinds(result: TableResult) -> dict[str, Kind]:
        return {example.key: example.kind for example in result.examples}

    def test_dropped_and_created_again(self, database: Database) -> None:
        self.create(database)
        self.archive(database)
        database.execute("CREATE PUBLICATION captured FOR TABLE t")
        assert not database.compare("public.t").differs
        database.execute("DROP TABLE t")
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (5, 'new'), (6, 'new')")
        result = database.compare("public.t")
        database.execute("DROP PUBLICATION captured")
        assert (result.missing, result.extra, result.different) == (1, 4, 1)
        assert any("in no publication" in each for each in result.explanations)

    def test_swapped_by_a_rename(self, database: Database) -> None:
        self.create(database)
        self.archive(database)
        database.execute("CREATE TABLE t_new (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t_new VALUES (1, 'new'), (7, 'new')")
        database.execute("ALTER TABLE t RENAME TO t_old")
        database.execute("ALTER TABLE t_new RENAME TO t")
        result = database.compare("public.t")
        assert (result.missing, result.extra, result.different) == (1, 4, 1)

    def test_a_truncate_without_a_trace(self, database: Database) -> None:
        self.create(database)
        archive = self.archive(database)
        database.execute("TRUNCATE t")
        database.execute("INSERT INTO t VALUES (6, 'after')")
        archive.add("c", [{"id": 6, "v": "after"}], 10)
        result = database.compare("public.t")
        assert (result.rows, result.equal, result.extra) == (1, 1, 5)
        assert any("as if the table had been emptied" in each for each in result.explanations)

    def test_changes_of_partitions(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)")
        database.execute("CREATE TABLE t_1 PARTITION OF t DEFAULT")
        database.execute("INSERT INTO t SELECT i, i::text FROM generate_series(1, 5) i")
        self.archive(database)
        database.execute("INSERT INTO t VALUES (6, 'lost')")
        database.execute("UPDATE t SET v = 'lost' WHERE id = 1")
        result = database.compare("public.t")
        assert self.kinds(result) == {"id=6": Kind.MISSING, "id=1": Kind.DIFFERENT}

    def test_changes_of_an_inheriting_table(self, database: Database) -> None:
        self.create(database)
        database.execute("CREATE TABLE t_child () INHERITS (t)")
        self.archive(database)
        database.execute("INSERT INTO t_child VALUES (6, 'lost')")
        result = database.compare("public.t")
        assert self.kinds(result) == {"id=6": Kind.MISSING}
        assert any("child tables by inheritance" in each for each in result.explanations)

    def test_rows_that_row_level_security_hid(self, database: Database) -> None:
        self.create(database)
        self.archive(database)
        database.execute("INSERT INTO t VALUES (6, 'hidden')")
        database.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        result = database.compare("public.t")
        assert self.kinds(result) == {"id=6": Kind.MISSING}
        assert any("row level security" in each for each in result.explanations)

    def test_a_table_that_was_never_read(self, database: Database) -> None:
        self.create(database)
        result = database.compare("public.t")
        assert (result.rows, result.missing) == (5, 5)

    def test_changes_that_were_lost_with_the_slot(self, database: Database) -> None:
        self.create(database)
        self.archive(database)
        database.execute("DELETE FROM t WHERE id = 1")
        database.execute("UPDATE t SET v = 'lost' WHERE id = 2")
        database.execute("INSERT INTO t VALUES (6, 'lost')")
        result = database.compare("public.t")
        assert self.kinds(result) == {
            "id=6": Kind.MISSING,
            "id=1": Kind.EXTRA,
            "id=2": Kind.DIFFERENT,
        }
        assert any("no replication slot" in each for each in result.explanations)
