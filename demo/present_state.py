"""A question that PostgreSQL and the archive must answer alike: the present state of the orders."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.sql.session import Session
from workload.source import Connect

COLUMNS = ("status", "orders", "amount", "last_update")
# Equal in PostgreSQL's SQL and in DuckDB's.
QUERY = """
SELECT status, CAST(count(*) AS VARCHAR) AS orders, CAST(sum(total_amount) AS VARCHAR) AS amount,
    CAST(max(updated_at) AS VARCHAR) AS last_update
FROM {orders} GROUP BY status
"""
# Others may have changed rows that are not archived yet.
ATTEMPTS, PAUSE_SECONDS = 4, 10.0

Answer = Sequence[tuple[str | None, ...]]
OpenSession = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class PresentState:
    """Both answers, ordered by status."""

    database: Answer
    archive: Answer

    @property
    def agrees(self) -> bool:
        """Whether the answers are equal."""
        return list(self.database) == list(self.archive)


def ask(
    connect: Connect, session: OpenSession, orders: str, pause: float = PAUSE_SECONDS
) -> PresentState:
    """Ask PostgreSQL and the archive until they agree, a few times at most."""
    state = _ask_once(connect, session, orders)
    for _ in range(ATTEMPTS - 1):
        if state.agrees:
            break
        time.sleep(pause)
        state = _ask_once(connect, session, orders)
    return state


def _ask_once(connect: Connect, session: OpenSession, orders: str) -> PresentState:
    query = QUERY.format(orders=orders)
    with connect() as connection:
        rows = connection.execute(query.encode()).fetchall()
    with session() as opened:
        archived = opened.connection.execute(query).fetchall()
    return PresentState(
        sorted((tuple(row[name] for name in COLUMNS) for row in rows), key=_by_status),
        sorted((tuple(row) for row in archived), key=_by_status),
    )


def _by_status(row: tuple[str | None, ...]) -> tuple[bool, str]:
    """Return what orders the answers: a status may be NULL."""
    status = row[0]
    return status is None, status or ""


def print_present_state(console: Console, state: PresentState) -> None:
    """Print the query, the archive's answer and whether it is PostgreSQL's."""
    console.print(Text(f"make sql: {' '.join(QUERY.format(orders='orders').split())}"))
    console.print(_table(state.archive))
    if state.agrees:
        console.print("the archive's present state is PostgreSQL's")
        return
    console.print("PostgreSQL answers differently:")
    console.print(_table(state.database))


def _table(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in {"orders", "amount"} else "left")
    for row in answer:
        table.add_row(*("NULL" if value is None else value for value in row))
    return table
