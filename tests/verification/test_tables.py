"""Tables of all shapes: differences by key and column, and what is not compared is said."""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pytest

from tests.verification.conftest import QUICK, Database
from tests.verification.memory_archive import KnownPosition
from verification.database import bucket_digests, prepare_session
from verification.options import Options, Sample
from verification.result import Kind, TableResult
from verification.source_table import describe

pytestmark = pytest.mark.postgresql

KINDS: Mapping[str, pa.DataType] = {"id": pa.int32(), "v": pa.string()}


def keys(result: TableResult) -> dict[str, Kind]:
    return {example.key: example.kind for example in result.examples}


def test_missing_extra_and_different_rows_are_told_apart(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text, w text)")
    database.execute("INSERT INTO t SELECT i, 'v', 'w' FROM generate_series(1, 5000) i")
    archive = database.archived("t", {**KINDS, "w": pa.string()})
    rows = [{"id": number, "v": "v", "w": "w"} for number in range(2, 5000)]
    archive.add("c", [*rows, {"id": 5001, "v": "v", "w": "w"}, {"id": 5000, "v": "v", "w": "x"}])
    result = database.compare("public.t")
    assert keys(result) == {
        "id=1": Kind.MISSING,
        "id=5001": Kind.EXTRA,
        "id=5000": Kind.DIFFERENT,
    }
    assert (result.rows, result.equal, result.columns) == (5000, 4998, {"w": 1})
    different = next(each for each in result.examples if each.kind is Kind.DIFFERENT)
    assert [(each.in_database, each.in_archive) for each in different.columns] == [("w", "x")]
    assert different.lsn is not None


def test_the_checksums_of_a_large_table_need_no_temporary_files(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, line int, v text, PRIMARY KEY (id, line))")
    database.execute("INSERT INTO t SELECT i, i, 'v' FROM generate_series(1, 300000) i")
    database.execute("ANALYZE t")
    database.execute("SET temp_file_limit = '1MB'")
    prepare_session(database.connection, 60)
    buckets = Options().buckets(60_000_000)
    found = bucket_digests(database.connection, describe(database.connection, "public.t"), buckets)
    assert sum(count for count, _ in found.values()) == 300_000
    assert len(found) > 0.9 * buckets.count


def test_the_last_change_of_a_key_counts(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    database.execute("INSERT INTO t VALUES (1, 'new'), (3, 'again'), (5, 'moved')")
    archive = database.archived("t", KINDS)
    archive.add("u", [{"id": 1, "v": "new"}], 30)
    archive.add("c", [{"id": number, "v": "old"} for number in (1, 2, 3, 4)], 10)
    archive.add("d", [{"id": 2, "v": "old"}, {"id": 3, "v": "old"}], 20)
    archive.add("c", [{"id": 3, "v": "again"}], 40)
    # An update of the key: a delete and an insert at one position.
    archive.add("c", [{"id": 5, "v": "moved"}], 50)
    archive.add("d", [{"id": 4, "v": "old"}], 50)
    assert database.compare("public.t").equal == 3
    assert not database.compare("public.t").differs


def test_columns_that_the_keys_index_only_includes_do_not_tell_rows_apart(
    database: Database,
) -> None:
    database.execute("CREATE TABLE t (id int, v text, PRIMARY KEY (id) INCLUDE (v))")
    database.execute("INSERT INTO t VALUES (1, 'new')")
    archive = database.archived("t", KINDS)
    archive.add("c", [{"id": 1, "v": "old"}], 10)
    archive.add("u", [{"id": 1, "v": "new"}], 20)
    assert database.compare("public.t").equal == 1
    assert not database.compare("public.t").differs


def test_rows_of_before_a_recorded_truncate_do_not_count(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    database.execute("INSERT INTO t VALUES (2, 'b')")
    archive = database.archived("t", KINDS)
    archive.add("c", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], 10)
    archive.add("t", [{}], 20)
    archive.add("c", [{"id": 2, "v": "b"}], 30)
    assert (database.compare("public.t").equal, database.compare("public.t").differs) == (1, False)


def test_changes_before_a_given_position_are_left_out(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    database.execute("INSERT INTO t VALUES (2, 'b')")
    archive = database.archived("t", KINDS)
    archive.add("r", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], 10)
    archive.add("r", [{"id": 2, "v": "b"}], 30)
    result = database.compare("public.t")
    assert keys(result) == {"id=1": Kind.EXTRA}
    assert any("--from-lsn 30" in each for each in result.explanations)
    assert not database.compare("public.t", options=replace(QUICK, from_lsn=30)).differs


def test_names_that_sql_would_misread(database: Database) -> None:
    names = ['quote"d', "per%s cent", "key", "digest", "op", "lsn", "Upper", "select"]
    columns = ", ".join('"' + name.replace('"', '""') + '" text' for name in names)
    database.execute(f'CREATE TABLE "odd name" (id int, {columns}, PRIMARY KEY (id, "key"))')
    values = ", ".join("'v'" for _ in names)
    database.execute(f'INSERT INTO "odd name" VALUES (1, {values})')  # noqa: S608
    database.archived("odd name", {"id": pa.int32(), **dict.fromkeys(names, pa.string())}).add(
        "c", [{"id": 1, **dict.fromkeys(names, "v"), "per%s cent": "x"}]
    )
    result = database.compare("public.odd name")
    assert (result.error, result.columns) == (None, {"per%s cent": 1})
    assert keys(result) == {"id=1, key=v": Kind.DIFFERENT}


@pytest.mark.parametrize(
    ("key", "value", "kind", "archived"),
    [
        ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", pa.string(),
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("numeric(10,2)", "1.5", pa.string(), "1.50"),
        ("date", "'2024-02-29'", pa.int32(), 19782),
        ("date", "'infinity'", pa.int32(), 2**31 - 1),
        ("timestamp", "'1969-12-31 23:59:59.999999'", pa.int64(), -1),
        ("timestamptz", "'2024-01-01 00:00:00+02'", pa.string(), "2023-12-31T22:00:00.000000Z"),
        ("bytea", "'\\x00ff'", pa.binary(), b"\x00\xff"),
        ("bool", "true", pa.bool_(), True),
        ("float8", "'NaN'", pa.float64(), float("nan")),
        ("char(5)", "'ab'", pa.string(), "ab   "),
        ("citext", "'ABC'", pa.string(), "ABC"),
        ("int8", "-9223372036854775808", pa.int64(), -(2**63)),
        ("text", "E'it''s\\\\x1f\\n'", pa.string(), "it's\\x1f\n"),
        ("mood", "'two words'", pa.string(), "two words"),
    ],
)  # fmt: skip
def test_a_key_of_any_type(
    database: Database, key: str, value: str, kind: pa.DataType, archived: object
) -> None:
    database.execute(f"CREATE TABLE t (k {key}, n int, v text, PRIMARY KEY (n, k))")
    database.execute(f"INSERT INTO t VALUES ({value}, 1, 'right'), ({value}, 2, 'right')")  # noqa: S608
    archive = database.archived("t", {"k": kind, "n": pa.int32(), "v": pa.string()})
    archive.add("c", [{"k": archived, "n": 1, "v": "right"}])
    archive.add("c", [{"k": archived, "n": 2, "v": "wrong"}, {"k": archived, "n": 3, "v": "x"}])
    result = database.compare("public.t")
    assert (result.error, result.equal, result.columns) == (None, 1, {"v": 1})
    assert [example.kind for example in result.examples] == [Kind.EXTRA, Kind.DIFFERENT]
    assert all(example.key.startswith("n=") for example in result.examples)


def test_a_partitioned_table_is_one(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10)")
    database.execute("CREATE TABLE t_2 PARTITION OF t DEFAULT")
    database.execute("INSERT INTO t VALUES (1, 'a'), (11, 'b')")
    archive = database.archived("t", KINDS)
    archive.add("c", [{"id": 1, "v": "a"}, {"id": 11, "v": "b"}])
    assert database.compare("public.t").equal == 2


def test_more_columns_than_a_function_has_arguments(database: Database) -> None:
    names = [f"c{number}" for number in range(1_590)]
    database.execute(
        f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'{n} int2' for n in names)})"
    )
    database.execute("INSERT INTO t (id, c1589) VALUES (1, 7), (2, 7)")
    archive = database.archived("t", {"id": pa.int32(), **dict.fromkeys(names, pa.int32())})
    archive.add("c", [{"id": 1, "c1589": 7}, {"id": 2, "c1588": 7}])
    result = database.compare("public.t")
    assert (result.equal, result.columns) == (1, {"c1588": 1, "c1589": 1})


def test_the_servers_settings_do_not_matter(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, i interval, z timestamptz, b bytea[])")
    database.execute("INSERT INTO t VALUES (1, '-1 day 2 hours', '2024-01-01 00:00+00', '{abc}')")
    archive = database.archived(
        "t", {"id": pa.int32(), "i": pa.string(), "z": pa.string(), "b": pa.string()}
    )
    archive.add(
        "c",
        [{"id": 1, "i": "-1 days +02:00:00", "z": "2024-01-01T00:00:00.000000Z",
          "b": '{"\\\\x616263"}'}],
    )  # fmt: skip
    others = {"intervalstyle": "iso_8601", "timezone": "Asia/Tokyo", "bytea_output": "escape"}
    try:
        for name, value in others.items():
            database.execute(f"ALTER ROLE postgres SET {name} = '{value}'")
        result = database.compare("public.t")
    finally:
        database.execute("ALTER ROLE postgres RESET ALL")
    assert (result.equal, result.error) == (1, None)


class TestWithoutPrimaryKey:
    """Rows without identity are compared as often as they exist."""

    def test_duplicates_count(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a'), (1, 'a'), (2, 'b')")
        archive = database.archived("t", KINDS)
        archive.add("c", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}])
        result = database.compare("public.t")
        assert (result.equal, result.missing, result.extra) == (2, 1, 0)
        archive.add("c", [{"id": 1, "v": "a"}], 9)
        assert not database.compare("public.t").differs
        archive.add("c", [{"id": 1, "v": "a"}], 10)
        result = database.compare("public.t")
        assert (result.missing, result.extra) == (0, 1)

    def test_a_delete_takes_one(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a')")
        archive = database.archived("t", KINDS)
        archive.add("c", [{"id": 1, "v": "a"}, {"id": 1, "v": "a"}, {"id": 3, "v": "c"}])
        archive.add("d", [{"id": 1, "v": "a"}, {"id": 3, "v": "c"}], 10)
        result = database.compare("public.t")
        assert (result.equal, result.differs) == (1, False)

    def test_an_update_leaves_its_old_row(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        database.execute("INSERT INTO t VALUES (1, 'new'), (2, 'b')")
        archive = database.archived("t", KINDS)
        archive.add("r", [{"id": 1, "v": "old"}, {"id": 2, "v": "b"}])
        archive.add("u", [{"id": 1, "v": "new"}], 10)
        result = database.compare("public.t")
        assert (result.equal, result.differs) == (2, False)
        assert any("1 updates are archived without the old row" in note for note in result.notes)

    def test_a_lost_update_is_found(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        database.execute("INSERT INTO t VALUES (1, 'new'), (2, 'b')")
        archive = database.archived("t", KINDS)
        archive.add("r", [{"id": 1, "v": "old"}, {"id": 2, "v": "b"}])
        result = database.compare("public.t")
        assert (result.missing, result.extra) == (1, 1)

    def test_a_second_reading_replaces_the_first(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a'), (3, 'c')")
        archive = database.archived("t", KINDS)
        archive.add("r", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], 10)
        archive.add("r", [{"id": 1, "v": "a"}], 30)
        archive.add("c", [{"id": 3, "v": "c"}], 40)
        assert not database.compare("public.t").differs

    def test_since_is_refused(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int, v text)")
        result = database.compare("public.t", options=replace(QUICK, since=1))
        assert result.error is not None
        assert "no primary key" in result.error


class TestColumns:
    """Columns that only one side has."""

    def test_a_dropped_column_is_no_difference(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a')")
        archive = database.archived("t", {**KINDS, "gone": pa.string()})
        archive.add("c", [{"id": 1, "v": "a", "gone": "x"}])
        result = database.compare("public.t")
        assert not result.differs
        assert result.notes == ("only in the archive, not compared: gone",)

    def test_excluded_columns_are_said(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text, secret text)")
        database.execute("INSERT INTO t VALUES (1, 'a', 's')")
        database.archived("t", KINDS).add("c", [{"id": 1, "v": "a"}])
        result = database.compare("public.t", excluded={"public.t": ["secret"]})
        assert not result.differs
        assert result.notes == ("not captured: secret (excludedColumns)",)

    def test_a_column_that_is_not_archived_counts_as_null(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a'), (2, 'a')")
        database.execute("ALTER TABLE t ADD COLUMN later int")
        database.archived("t", KINDS).add("c", [{"id": 1, "v": "a"}, {"id": 2, "v": "a"}])
        result = database.compare("public.t")
        assert not result.differs
        assert result.notes == ("not in the archive, compared as NULL: later",)

    def test_a_default_that_no_change_has_told_is_explained(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a')")
        database.execute("ALTER TABLE t ADD COLUMN later int DEFAULT 7")
        database.archived("t", KINDS).add("c", [{"id": 1, "v": "a"}])
        result = database.compare("public.t")
        assert result.columns == {"later": 1}
        assert any("later was added with a default" in each for each in result.explanations)

    def test_a_value_that_was_left_out_of_a_large_row_is_explained(
        self, database: Database
    ) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (1, 'large')")
        archive = database.archived("t", {**KINDS, "__lost": pa.string()})
        archive.add("c", [{"id": 1, "__lost": "v"}])
        result = database.compare("public.t")
        assert (result.columns, result.notes) == ({"v": 1}, ())
        assert any("v is NULL in rows that were too large" in each for each in result.explanations)

    def test_a_variant_of_a_column_holds_its_value(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v timestamp)")
        database.execute("INSERT INTO t VALUES (1, '1970-01-02'), (2, '1970-01-02')")
        archive = database.archived(
            "t", {"id": pa.int32(), "v": pa.int32(), "v__timestamp": pa.int64()}
        )
        archive.variants = {"v": ("v__timestamp",)}
        archive.add("c", [{"id": 1, "v__timestamp": 86_400_000_000}, {"id": 2, "v": 1}])
        result = database.compare("public.t")
        assert keys(result) == {"id=2": Kind.DIFFERENT}
        assert result.notes == ()
        assert any("v changed its type" in each for each in result.explanations)


class TestParts:
    """A part of the rows."""

    def test_a_sample_is_the_same_rows_on_both_sides(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t SELECT i, 'v' FROM generate_series(1, 4000) i")
        database.execute("ANALYZE t")
        rows = [{"id": number, "v": "v"} for number in range(1, 4001)]
        database.archived("t", KINDS).add("c", rows)
        for text in ("10%", "400"):
            result = database.compare("public.t", options=replace(QUICK, sample=Sample.parse(text)))
            assert 300 < result.rows < 500
            assert result.equal == result.rows
        database.archived("t", KINDS).add("c", [{**row, "v": "x"} for row in rows])
        result = database.compare("public.t", options=replace(QUICK, sample=Sample.parse("10%")))
        assert 300 < result.different < 500

    @pytest.mark.parametrize("text", ["", "x", "0", "0%", "101%", "-1", "1.5", "%"])
    def test_what_is_no_sample_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="not a valid sample"):
            Sample.parse(text)

    def test_since_compares_keys_that_changed(self, database: Database) -> None:
        database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        database.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        archive = database.archived("t", KINDS)
        archive.add("c", [{"id": 1, "v": "wrong"}, {"id": 2, "v": "wrong"}], 10)
        archive.add("d", [{"id": 3, "v": "c"}], 20)
        archive.add("c", [{"id": 4, "v": "d"}], 21)
        result = database.compare("public.t", options=replace(QUICK, since=11))
        assert keys(result) == {
            "id=2": Kind.DIFFERENT,
            "id=3": Kind.MISSING,
            "id=4": Kind.EXTRA,
        }


def test_a_table_that_does_not_exist_is_not_compared(database: Database) -> None:
    result = database.compare("public.nowhere")
    assert result.error == "PostgreSQL has no such table"
    assert not result.is_compared


def test_nothing_archived_yet_is_every_row_missing(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    database.execute("INSERT INTO t SELECT generate_series(1, 30000)")
    result = database.compare("public.t", position=KnownPosition(after=2))
    assert (result.missing, result.equal) == (30000, 0)
    assert "the archive has no row of the table" in result.explanations
