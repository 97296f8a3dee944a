"""Copies of a server: restored backups and promoted standbys."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgres_versions.servers import ExistingServer
from tests.unit.postgres_server import free_port


@contextmanager
def backup(server: ExistingServer, *, slots: bool = False) -> Iterator[ExistingServer]:
    """Yield a copy of a server as it is now, which is not started; both have one certificate.

    A backup of a volume has the server's slots, one by pg_basebackup has none.
    """
    changed = {"name": f"{server.description.name}-copy", "port": free_port()}
    copy = ExistingServer(
        server.folder.parent, server.description.model_copy(update=changed, deep=True)
    )
    server.stop()
    subprocess.run(["cp", "-a", str(server.folder), str(copy.folder)], check=True)
    server.start()
    for slot in () if slots else (copy.data / "pg_replslot").iterdir():
        shutil.rmtree(slot)
    try:
        yield copy
    finally:
        copy.remove()


def promote(copy: ExistingServer) -> None:
    """Start a copy as a standby and promote it: it begins a new timeline."""
    copy.write("data/standby.signal", "")
    copy.start()
    copy.promote()
