"""Locks between runs on one machine, released when their holder ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tools.progress import Progress


@contextmanager
def locked(path: Path, progress: Progress, waiting_for: str) -> Iterator[None]:
    """Hold the lock `path`; report `waiting_for` when another run holds it, and wait.

    The file is removed at the end, so that nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress(f"waiting for {waiting_for}")
        lock.acquire()
    try:
        yield
    finally:
        # Before the release: a waiting run notices that its file is gone, and opens the new one.
        path.unlink(missing_ok=True)
        lock.release()
