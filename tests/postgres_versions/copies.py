"""Copies of a server: restored backups and promoted standbys."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from polling import poll_until
from sample_databases import unprivileged
from tests.postgres_versions.servers import START_SECONDS, ExistingServer
from tests.unit.postgres_server import free_port


@contextmanager
def backup(server: ExistingServer, *, slots: bool = False) -> Iterator[ExistingServer]:
    """Yield a copy of a server as it is now, which is not started; both have one certificate.

    A backup of a volume has the server's slots, one by pg_basebackup has none.
    """
    server.stop()
    folder = Path(tempfile.mkdtemp(prefix=f"{server.folder.name}-copy-"))
    unprivileged.give(folder)
    subprocess.run(["cp", "-a", f"{server.folder}/.", str(folder)], check=True)
    server.start()
    for slot in () if slots else (folder / "data/pg_replslot").iterdir():
        shutil.rmtree(slot)
    copy = replace(server, folder=folder, port=free_port(), process=None)
    try:
        yield copy
    finally:
        copy.stop()
        shutil.rmtree(folder)


def promote(copy: ExistingServer) -> None:
    """Start a copy as a standby and promote it: it begins a new timeline."""
    copy.write("data/standby.signal", "")
    copy.start()
    copy.execute("SELECT pg_promote()", "postgres", "postgres")
    poll_until(
        lambda: not copy.execute("SELECT pg_is_in_recovery()", "postgres", "postgres")[0][0],
        timeout=START_SECONDS,
        interval=0.1,
        description="the standby's promotion",
    )
