"""The demo's question: a real PostgreSQL and an archive in memory answer alike, or it says so."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime

import pyarrow as pa
import pytest
from rich.console import Console

from archive_views.table import StoredColumn
from clients.described_tables import DescribedTable
from clients.sql.session import Session
from demo.present_state import PresentState, ask, print_present_state
from tests.archive_views.memory_files import change, in_memory, session
from tests.audit import audited_server, connect_to
from workload.source import Connect

pytestmark = pytest.mark.postgresql

COLUMNS = {
    "id": pa.int32(),
    "status": pa.string(),
    "total_amount": pa.string(),
    "updated_at": pa.int64(),
}
STORED = [
    StoredColumn("id", "id", "integer"),
    StoredColumn("status", "status", "text"),
    StoredColumn("total_amount", "total_amount", "text"),
    StoredColumn("updated_at", "updated_at", "timestamp"),
]
DECLARED = (
    ("id", "integer"),
    ("status", "character varying(50)"),
    ("total_amount", "numeric(10,2)"),
    ("updated_at", "timestamp without time zone"),
)


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    with audited_server() as server:
        opened = connect_to(server)
        with opened() as connection:
            connection.execute("INSERT INTO users VALUES (1, 'a@example.com', 'A', 'B')")
            connection.execute(
                "INSERT INTO orders (id, user_id, status, total_amount, updated_at) VALUES"
                " (1, 1, 'pending', 1.50, '2026-11-27 10:00:00.5'),"
                " (2, 1, 'pending', 10, '2026-11-27 10:00:01'),"
                " (3, 1, 'shipped', 0.05, '2026-11-27 10:00:02'),"
                " (4, 1, NULL, 3, '2026-11-27 10:00:03')"
            )
        yield opened


def row(number: int, status: str | None, amount: str, second: float) -> dict[str, object]:
    time = datetime.fromisoformat("2026-11-27T10:00:00+00:00").timestamp() + second
    updated = round(time * 1_000_000)
    return {"id": number, "status": status, "total_amount": amount, "updated_at": updated}


CHANGES = [
    change("c", 1, row(1, "shipped", "7.00", 0)),
    change("u", 2, row(1, "pending", "1.50", 0.5)),
    change("c", 3, row(2, "pending", "10.00", 1)),
    change("c", 4, row(3, "shipped", "0.05", 2)),
    change("c", 5, row(4, None, "3.00", 3)),
]


def archive(changes: list[dict[str, object]]) -> AbstractContextManager[Session]:
    table = DescribedTable(("id",), DECLARED)
    files = {"public.orders": in_memory(changes, COLUMNS, STORED)}
    return session(files, {"public.orders": table})


def printed(state: PresentState) -> str:
    screen = Console(width=120, record=True)
    print_present_state(screen, state)
    return screen.export_text()


def test_both_answer_alike(connect: Connect) -> None:
    state = ask(connect, lambda: archive(CHANGES), "public.orders", pause=0)
    assert state.agrees
    assert list(state.archive) == [
        ("pending", "2", "11.50", "2026-11-27 10:00:01"),
        ("shipped", "1", "0.05", "2026-11-27 10:00:02"),
        (None, "1", "3.00", "2026-11-27 10:00:03"),
    ]
    assert "the archive's present state is PostgreSQL's" in printed(state)


def test_an_archive_that_lacks_a_change_is_found_out(connect: Connect) -> None:
    state = ask(connect, lambda: archive(CHANGES[:-1]), "public.orders", pause=0)
    assert not state.agrees
    assert "PostgreSQL answers differently" in printed(state)


def test_an_archive_that_is_late_gets_time(connect: Connect) -> None:
    answers = iter([CHANGES[:-1], CHANGES])
    assert ask(connect, lambda: archive(next(answers)), "public.orders", pause=0).agrees
