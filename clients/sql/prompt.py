"""A prompt for SQL: statements of several lines, history, Ctrl-C stops a query."""

import atexit
import os
import readline
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import duckdb
from rich.console import Console

from clients.sql.output import Format, print_query
from clients.sql.session import Session
from clients.stack import StackError

PROMPT, CONTINUED = "sql> ", "...> "
HISTORY_LINES = 10_000
HELP = """\
End a statement with a semicolon. Ctrl-C stops a query, Ctrl-D ends.
  .views   the views over the archive
  .help    this
"""


def run_prompt(session: Session, screen: Console) -> None:
    """Read and run statements until the end of the input."""
    interactive = sys.stdin.isatty()
    if interactive:
        _load_history()
        print_views(session)
        print(HELP, file=sys.stderr)
    text = ""
    while True:
        try:
            line = input((CONTINUED if text else PROMPT) if interactive else "")
        except EOFError:
            _run_rest(session, text, screen)
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            text = ""
            continue
        if not text and line.strip() in COMMANDS:
            COMMANDS[line.strip()](session)
            continue
        text = f"{text}{line}\n" if text or line.strip() else ""
        if text and is_complete(text):
            run_statement(session, text, screen)
            text = ""


def _run_rest(session: Session, text: str, screen: Console) -> None:
    """Run what the input ends with, which needs no semicolon."""
    if text.strip():
        run_statement(session, text, screen)


def is_complete(text: str) -> bool:
    """Return whether a text ends with a semicolon that is not in a literal or a comment."""
    tokens = duckdb.tokenize(text)
    code = [(at, kind) for at, kind in tokens if kind != duckdb.token_type.comment]
    if not code or code[-1][1] != duckdb.token_type.operator:
        return False
    # tokenize() counts bytes.
    return text.encode()[code[-1][0] :].lstrip().startswith(b";")


def run_statement(session: Session, text: str, screen: Console) -> None:
    """Run statements and print the last one's result, or what is wrong with them."""
    try:
        run_query(session, text, Format.TABLE, screen)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    except (duckdb.Error, StackError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)


def run_query(session: Session, text: str, form: Format, screen: Console) -> None:
    """Run statements in a thread, so that Ctrl-C can stop them; raise what they raise."""
    failed: list[BaseException] = []
    # Thread.join() takes a thread for ended when a signal interrupts it.
    ended = Event()

    def run() -> None:
        try:
            print_query(session.connection, text, form, screen)
        except BaseException as error:
            failed.append(error)
        finally:
            ended.set()

    try:
        Thread(target=run, daemon=True).start()
        while not ended.wait(0.1):
            pass
    except KeyboardInterrupt:
        # An interrupt that comes before the query has begun has no effect.
        while not ended.wait(0.1):
            session.connection.interrupt()
        raise
    if failed:
        raise failed[0]


def print_views(session: Session) -> None:
    """Print the views and what they have."""
    width = max(map(len, session.views), default=0)
    for view, meaning in session.views.items():
        print(f"  {view:{width}}  {meaning}", file=sys.stderr)


def _print_help(_: Session) -> None:
    print(HELP, file=sys.stderr)


def _end(_: Session) -> None:
    raise SystemExit(0)


COMMANDS: dict[str, Callable[[Session], None]] = {
    ".views": print_views,
    ".tables": print_views,
    ".help": _print_help,
    ".quit": _end,
    ".exit": _end,
    "exit": _end,
    "quit": _end,
}


def _load_history() -> None:
    """Read the history of earlier prompts and keep this one's when the program ends."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    file = Path(base) / "datapipe" / "sql_history"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    readline.read_history_file(file)
    readline.set_history_length(HISTORY_LINES)
    atexit.register(readline.write_history_file, file)
