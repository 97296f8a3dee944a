"""SQL over the archives of several sources: names, and sources that can't be read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from archive_views.table import SourceDatabase
from clients.described_tables import DescribedTable
from clients.sql.files import ArchivedFiles
from clients.sql.session import Session
from clients.sql.sources import ArchivedSource
from clients.stack import StackError
from tests.archive_views.memory_files import change, in_memory, query

COLUMNS = {"id": pa.int32(), "v": pa.string()}
TABLE = DescribedTable(("id",), (("id", "integer"), ("v", "text")))
# Not even the columns are known of a table that PostgreSQL did not describe.
UNKNOWN = DescribedTable(None, ())


def files(*values: str, lsn: int = 1) -> ArchivedFiles:
    """Return an archive of one row for each value."""
    rows = [change("c", lsn + at, {"id": at, "v": v}) for at, v in enumerate(values)]
    return in_memory(rows, COLUMNS)


def source(
    name: str,
    archives: Mapping[str, ArchivedFiles | Exception | None],
    *,
    database: str = "app",
    described: DescribedTable = TABLE,
) -> ArchivedSource:
    """Return the managed database (`postgres`), or one with a schema of its name."""

    def opened(table: str) -> ArchivedFiles | None:
        found = archives[table]
        if isinstance(found, Exception):
            raise found
        return found

    is_managed = name == "postgres"
    return ArchivedSource(
        SourceDatabase(name, database),
        dict.fromkeys(archives, described),
        opened,
        in_own_schemas=is_managed,
        schema=None if is_managed else name,
    )


@contextmanager
def opened(
    *sources: ArchivedSource, at: datetime | None = None
) -> Iterator[tuple[Session, list[str]]]:
    notes: list[str] = []
    with Session(sources, at=at, log=notes.append) as session:
        yield session, notes


MANAGED = source("postgres", {"public.users": files("a"), "sales.orders": files("b", "c")})
SHOP = source("shop", {"public.users": files("d", "e"), "sales.orders": files("f")})


def test_tables_of_one_name_are_told_apart() -> None:
    with opened(MANAGED, SHOP) as (session, notes):
        assert query(session, "SELECT v FROM users") == [("a",)]
        assert query(session, "SELECT v FROM public.users") == [("a",)]
        assert query(session, "SELECT v FROM sales.orders ORDER BY v") == [("b",), ("c",)]
        assert query(session, "SELECT v FROM shop.users ORDER BY v") == [("d",), ("e",)]
        assert query(session, "SELECT v, __op FROM shop.sales_orders_changes") == [("f", "c")]
        assert notes == []


def test_the_views_are_listed_with_their_source() -> None:
    with opened(MANAGED, SHOP) as (session, _):
        assert session.views['"public"."users"'] == "rows of postgres: public.users"
        assert session.views['"shop"."users_changes"'] == "changes of shop: public.users"
        assert len(session.views) == 4 + 4 + 1


def test_one_source_alone_is_not_named() -> None:
    with opened(MANAGED) as (session, _):
        assert session.views['"public"."users"'] == "rows of public.users"


def test_a_chosen_source_needs_no_schema() -> None:
    with opened(SHOP) as (session, _):
        assert query(session, "SELECT v FROM users ORDER BY v") == [("d",), ("e",)]
        assert query(session, "SELECT v FROM shop.sales_orders") == [("f",)]


def test_events_of_databases_of_one_name_have_their_source() -> None:
    with opened(MANAGED, SHOP) as (session, _):
        rows = query(
            session,
            "SELECT source_name, database_name, schema_name, table_name, count(*)"
            " FROM s3_cdc_events GROUP BY ALL ORDER BY ALL",
        )
    assert rows == [
        ("postgres", "app", "public", "users", "1"),
        ("postgres", "app", "sales", "orders", "2"),
        ("shop", "app", "public", "users", "2"),
        ("shop", "app", "sales", "orders", "1"),
    ]


def test_two_tables_that_would_have_one_name_have_two() -> None:
    """Plain files can hold both, as their folders are their topics' names."""
    shop = source(
        "shop",
        {
            "public.sales_users": files("a"),
            "sales.users": files("b"),
            "sales.users_changes": files("c"),
        },
    )
    with opened(MANAGED, shop) as (session, _):
        assert query(session, "SELECT v FROM shop.sales_users") == [("a",)]
        assert query(session, "SELECT v FROM shop.sales_users_") == [("b",)]
        assert query(session, "SELECT v FROM shop.sales_users_changes") == [("c",)]
        assert query(session, "SELECT v FROM shop.sales_users_changes_") == [("a",)]
        assert query(session, "SELECT v FROM shop.sales_users__changes") == [("b",)]


@pytest.mark.parametrize("name", ["a b", 'a"b', "select", "it's", "memory", "temp", "ümläut"])
def test_any_schema_and_table_of_the_managed_database_has_views(name: str) -> None:
    managed = source("postgres", {f"{name}.{name}": files("a")})
    quoted = '"' + name.replace('"', '""') + '"'
    with opened(managed, SHOP) as (session, _):
        assert query(session, f"FROM memory.{quoted}.{quoted} SELECT v") == [("a",)]


def test_all_are_as_of_a_time() -> None:
    late = source("late", {"public.users": files("x", lsn=50)})
    with opened(MANAGED, late, at=datetime.fromtimestamp(0.02, UTC)) as (session, notes):
        assert query(session, "SELECT v FROM users") == [("a",)]
        assert query(session, "SELECT v FROM late.users") == []
    [note] = notes
    assert note.startswith("late: public.users: nothing was archived of it until")


@pytest.mark.parametrize("described", [TABLE, UNKNOWN])
def test_an_archive_that_can_not_be_read_hides_no_other(described: DescribedTable) -> None:
    gone = OSError("no such file: it's 'gone'")
    broken = source("broken", {"a.t": gone, "public.u": gone}, described=described)
    with opened(MANAGED, broken, SHOP) as (session, notes):
        assert notes == [
            "the archive of broken: a.t, broken: public.u can't be read: no such file: it's 'gone'"
        ]
        assert query(session, "SELECT count(*) FROM users") == [("1",)]
        assert query(session, "SELECT count(*) FROM shop.users") == [("2",)]


@pytest.mark.parametrize("described", [TABLE, UNKNOWN])
@pytest.mark.parametrize("selected", ["*", "count(*)", "1"])
@pytest.mark.parametrize("view", ["broken.t", "broken.t_changes", "s3_cdc_events"])
def test_its_views_fail_instead_of_being_empty(
    view: str, selected: str, described: DescribedTable
) -> None:
    broken = source("broken", {"public.t": StackError("it's gone")}, described=described)
    with (
        opened(MANAGED, broken) as (session, _),
        pytest.raises(duckdb.Error, match=r"archive of broken: public\.t can't be read: it's gone"),
    ):
        query(session, f"FROM {view} SELECT {selected}")


def test_changes_of_the_others_can_be_asked_for() -> None:
    broken = source("broken", {"public.t": StackError("gone")})
    with opened(MANAGED, broken) as (session, _):
        events = "FROM s3_cdc_events WHERE source_name = 'postgres'"
        assert query(session, f"SELECT count(*) AS n {events}") == [("3",)]


def test_where_nothing_can_be_read_the_reason_is_raised() -> None:
    broken = [source(name, {"public.t": StackError(f"{name} is gone")}) for name in ("a", "b")]
    with pytest.raises(StackError, match="a is gone"), opened(*broken):
        pass


def test_a_source_of_which_nothing_is_archived_yet_is_empty() -> None:
    empty = source("empty", {"public.t": None})
    unknown = source("unknown", {"public.t": None}, described=UNKNOWN)
    with opened(MANAGED, empty, unknown) as (session, notes):
        assert query(session, "SELECT * FROM empty.t") == []
        assert query(session, "SELECT count(*) FROM s3_cdc_events") == [("3",)]
    assert notes == ["unknown: public.t: nothing is archived yet, and its columns are not known"]
