"""make doctor says which tables the server sorts to read them, and refuses sorts that must fail."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from components.source.existing import sort_checks
from components.source.existing.doctor import examine
from components.source.existing.problem import Problem
from components.source.existing.reach import way_to
from components.source.existing.vantage import ThisMachine
from tests.postgres_versions.servers import ExistingServer, existing_server

pytestmark = pytest.mark.postgres_versions

ROWS = 30_000
RANDOM, PARTITIONED, GROUPED = "public.random", "public.parts", "public.grouped"
IN_ORDER, LINES, BYTES = "public.usual", "public.lines", "public.raw"
TABLES = """
CREATE DOMAIN public.token AS uuid;
CREATE TABLE public.random (id public.token PRIMARY KEY, "Text" text, left_out text);
CREATE TABLE public.parts (id uuid, half bool, "Text" text, PRIMARY KEY (id, half))
    PARTITION BY LIST (half);
CREATE TABLE public.parts_0 PARTITION OF public.parts FOR VALUES IN (false);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES IN (true);
CREATE TABLE public.usual (id int PRIMARY KEY, "Text" text);
CREATE TABLE public.lines (id int, line int, "Text" text, PRIMARY KEY (id, line));
CREATE TABLE public.grouped (id int, line int, "Text" text, PRIMARY KEY (id, line));
CREATE TABLE public.raw (id bytea PRIMARY KEY, "Text" text);
INSERT INTO public.random SELECT md5(n::text)::uuid, repeat('x', 150), repeat('y', 500)
    FROM generate_series(1, 30000) AS n;
INSERT INTO public.parts SELECT md5(n::text)::uuid, n % 2 = 0, repeat('x', 150)
    FROM generate_series(1, 30000) AS n;
INSERT INTO public.usual SELECT n, repeat('x', 150) FROM generate_series(1, 30000) AS n;
INSERT INTO public.lines SELECT n / 4, n % 4, repeat('x', 150) FROM generate_series(1, 30000) AS n;
INSERT INTO public.grouped SELECT n / 5000, n, repeat('x', 150) FROM generate_series(1, 30000) AS n
    ORDER BY n / 5000, md5(n::text);
INSERT INTO public.raw SELECT decode(md5(n::text), 'hex'), repeat('x', 150)
    FROM generate_series(1, 30000) AS n;
"""
LISTED = {
    RANDOM: {"excludedColumns": ["left_out"]},
    PARTITIONED: {},
    IN_ORDER: {},
    LINES: {},
    GROUPED: {},
    BYTES: {},
}
# The settings of the account with which small tables are sorted as large ones are.
SETTINGS = {"work_mem": "64kB", "effective_cache_size": "1MB", "random_page_cost": "100"}
READ = 'SELECT id, "Text" FROM public.random ORDER BY id'
MEBIBYTE = 1024**2


@pytest.fixture(scope="module", params=[13, 17])
def server(request: pytest.FixtureRequest) -> Iterator[ExistingServer]:
    with existing_server(request.param) as running:
        running.execute(TABLES)
        running.prepare(running.source(tables=LISTED))
        for name, value in SETTINGS.items():
            configure(running, f"SET {name} = '{value}'")
        running.execute("ANALYZE")
        yield running


@pytest.fixture(autouse=True)
def _usual(server: ExistingServer) -> Iterator[None]:
    yield
    for name in ("temp_file_limit", "enable_sort"):
        configure(server, f"RESET {name}")


def configure(server: ExistingServer, setting: str) -> None:
    server.execute(f"ALTER ROLE datapipe {setting}", "postgres")


def sorts(server: ExistingServer, entries: dict[str, Any] | None = None) -> dict[str, Problem]:
    """Return what is said about sorts, by table."""
    way = way_to("shop", server.source(tables=LISTED), ThisMachine())
    found = examine(way, avro_names=True, entries=entries or {})
    return {
        each.reason.partition(":")[0]: each for each in found if "temporary files" in each.reason
    }


@pytest.fixture
def needed(server: ExistingServer, monkeypatch: pytest.MonkeyPatch) -> float:
    """The MiB that the line of a table says its sort needs."""
    monkeypatch.setattr(sort_checks, "LARGE_SORT_BYTES", MEBIBYTE)
    reason = sorts(server)[RANDOM].reason
    monkeypatch.undo()
    return float(reason.partition("about ")[2].partition(" MiB")[0])


def as_the_account(server: ExistingServer, query: str) -> int:
    """Return the number of rows that the account that captures reads."""
    source = server.source()
    with psycopg.connect(
        host=source.host,
        port=source.port,
        dbname=source.database,
        user=source.user,
        password=source.password.get_secret_value(),
        sslmode="require",
    ) as connection:
        return len(connection.execute(query.encode()).fetchall())


def test_small_sorts_are_not_mentioned(server: ExistingServer) -> None:
    assert sorts(server) == {}


def test_large_sorts_are_warned_of_with_the_room_and_the_remedy(
    server: ExistingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_checks, "LARGE_SORT_BYTES", MEBIBYTE)
    found = sorts(server)
    assert found.keys() == {RANDOM, PARTITIONED, GROUPED}
    assert {each.level for each in found.values()} == {"warning"}
    assert "df -h" in found[RANDOM].remedy
    assert sorts(server, {RANDOM: {}}).keys() == {PARTITIONED, GROUPED}
    configure(server, found[RANDOM].remedy.partition('slower: ALTER ROLE "datapipe" ')[2])
    assert sorts(server) == {}
    assert as_the_account(server, READ) == ROWS


def test_a_table_in_the_order_of_its_key_is_read_by_the_index(
    server: ExistingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_checks, "LARGE_SORT_BYTES", MEBIBYTE)
    assert LINES not in sorts(server)
    monkeypatch.setattr(sort_checks, "BY_INDEX", "")
    assert LINES in sorts(server)


def test_a_sort_that_must_fail_is_refused_and_the_server_agrees(
    server: ExistingServer, needed: float
) -> None:
    configure(server, f"SET temp_file_limit = '{int(needed / 2.5)}MB'")
    line = sorts(server)[RANDOM]
    assert line.level == "refused"
    assert f"temp_file_limit is {int(needed / 2.5)}MB for datapipe" in line.reason
    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded, match="exceeds temp_file_limit"):
        as_the_account(server, READ)


def test_a_sort_near_the_limit_is_a_warning(server: ExistingServer, needed: float) -> None:
    configure(server, f"SET temp_file_limit = '{int(needed / 1.5 * 1024)}kB'")
    line = sorts(server)[RANDOM]
    assert (line.level, "may fail" in line.reason) == ("warning", True)


def test_a_limit_that_is_enough_is_not_mentioned(server: ExistingServer, needed: float) -> None:
    configure(server, f"SET temp_file_limit = '{int(needed * 2)}MB'")
    assert sorts(server) == {}
    assert as_the_account(server, READ) == ROWS
