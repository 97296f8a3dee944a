"""Starts a PostgreSQL server as a process of this machine."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from polling import NotReadyError, poll_until
from sample_databases import unprivileged
from tools.errors import UserError

START_SECONDS = 60
SHOWN_LOG = 2000


def launch(
    command: Sequence[str], log: Path, name: str, connect: Callable[[], object]
) -> subprocess.Popen[bytes]:
    """Start a server that logs to a file of its folder, and wait until it accepts connections.

    The process outlives this one. Raises UserError with the end of the log if it does not start.
    """
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            start_new_session=True,
            **unprivileged.process(),
        )

    def accepts() -> bool:
        if started.poll() is not None:
            raise UserError(f"{name} did not start:\n{log.read_text()[-SHOWN_LOG:]}")
        try:
            connect()
        except psycopg.OperationalError as error:
            raise NotReadyError(str(error)) from None
        return True

    poll_until(
        accepts,
        timeout=START_SECONDS,
        interval=0.1,
        description=f"{name} to accept connections",
        error=lambda message: UserError(f"{message}\n{log.read_text()[-SHOWN_LOG:]}"),
    )
    return started
