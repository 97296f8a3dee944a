"""Kills the Connect worker in the middle of a snapshot."""

import argparse
import os
import signal
import time

from bench.containers import WORKER, Container, containers, is_worker
from clients.cluster import Cluster
from clients.stack import StackError
from workload.progress import Log


class WorkerKiller:
    """Kills the worker once, when a share of the rows is archived, and notes what follows."""

    def __init__(self, cluster: Cluster, share: float, rows: int, log: Log) -> None:
        """Raise StackError if the worker's processes are not on this machine."""
        self._cluster, self._rows_at, self._log = cluster, share * rows, log
        self.killed_at: float | None = None
        """in seconds since 1970, as the next one"""
        self.resumed_at: float | None = None
        """when more rows were archived than at its death"""
        self.archived: int | None = None
        """rows that were archived when it was killed"""
        self.unread: int | None = None
        """records that were in the topics then and not archived"""
        self._workers()

    def note(self, archived: int, unread: int | None = None) -> None:
        """Note how many rows are archived, and kill the worker if they are enough.

        A commit that was on its way at the worker's death counts as archived before it.
        """
        if self.killed_at is None:
            if archived >= self._rows_at:
                self._kill()
        elif self.archived is None:
            self.archived, self.unread = archived, unread
        elif self.resumed_at is None and archived > self.archived:
            self.resumed_at = time.time()
            self._log(f"rows arrive again {self.resumed_at - self.killed_at:.0f} s after the kill")

    def _kill(self) -> None:
        """Send SIGKILL to all processes of the workers' containers."""
        for worker in self._workers():
            for process in (worker.memory / "cgroup.procs").read_text().split():
                os.kill(int(process), signal.SIGKILL)
        self.killed_at = time.time()
        self._log("killed the worker")

    def _workers(self) -> list[Container]:
        found = [
            each
            for each in containers(self._cluster)
            if is_worker(each.label) and each.name in WORKER
        ]
        if not found:
            raise StackError(
                "the worker's processes are not on this machine, so it can't be killed during the"
                " snapshot; --kill-at 0 leaves it alone"
            )
        return found


def add_kill_at(parser: argparse.ArgumentParser, default: float) -> None:
    """Add the option --kill-at."""
    parser.add_argument(
        "--kill-at",
        type=_share,
        default=default,
        metavar="SHARE",
        help="share of the rows that are archived when the worker is killed; 0: no kill (default"
        f" {default:g})",
    )


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(
            f"{text} is not a valid share; allowed: 0 (no kill) to 0.99, such as 0.4"
        )
    return share
