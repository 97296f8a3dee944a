"""The command `datapipe sql`."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from clients.console import console
from clients.sql.output import Format
from clients.sql.prompt import run_prompt, run_query
from clients.sql.saved_outputs import read_saved
from clients.sql.session import Session
from clients.sql.sources import archived_sources
from clients.stack import StackError, StackOutputs, read_outputs


def sql(
    stack: str,
    query: str | None,
    *,
    source: str | None = None,
    at: datetime | None = None,
    form: Format = Format.TABLE,
    as_archived: bool = False,
    saved_outputs: Path | None = None,
) -> None:
    """Run a query on a stack's archive and print its result, or show a prompt without a query.

    Without a `source`, the archives of all of them are in it.
    `saved_outputs` is a file of `pulumi stack output --json`, for a stack that is gone.

    Raises StackError if the archive can't be read, and duckdb.Error for a query that fails.
    """
    screen = console()
    if query is None and form is not Format.TABLE:
        raise StackError(f"FORMAT={form} needs a query: Q=…")
    outputs = read_outputs(stack) if saved_outputs is None else read_saved(stack, saved_outputs)
    with open_session(outputs, source=source, at=at, as_archived=as_archived, log=_note) as session:
        if query is None:
            run_prompt(session, screen)
        else:
            run_query(session, query, form, screen)


def open_session(
    outputs: StackOutputs,
    *,
    source: str | None = None,
    at: datetime | None = None,
    as_archived: bool = False,
    log: Callable[[str], None],
) -> AbstractContextManager[Session]:
    """Return a session over the archives of a stack's sources, or of the chosen one.

    AWS credentials come from the environment. Raises StackError if the stack has no such source.
    """
    return Session(
        archived_sources(outputs, log, source),
        at=at,
        as_archived=as_archived,
        log=log,
    )


def parse_time(text: str) -> datetime:
    """Return a time of ISO 8601, in UTC where it has no offset. Raises ValueError otherwise."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a valid time; write for example 2026-11-27 10:00 (UTC), or"
            " 2026-11-27T10:00+02:00"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _note(message: str) -> None:
    print(message, file=sys.stderr)
