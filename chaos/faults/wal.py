"""A reader of the WAL that was away for too long."""

import re
from dataclasses import dataclass, field

from psycopg import sql

from chaos.fault import Fault
from chaos.pipeline import CONNECT, FaultError, Pipeline, wait_until

KEPT = "32MB"
"""max_slot_wal_keep_size for the time of the fault: 3 GB would take minutes to write"""
LOST_SECONDS = 90
RECOVER_SECONDS = 240
COMPLETE_FROM = re.compile(r"__source_lsn >= (\d+)")
"""in what `make recover` prints"""


@dataclass
class SlotLost(Fault):
    """Connect is away until PostgreSQL gives its slot up, as max_slot_wal_keep_size tells it."""

    keeps_history: bool = False
    user_after: float = 30
    _workers: int = field(default=0, repr=False)
    """how many there were; 0: they have not been taken away"""
    _complete_from: int = field(default=0, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        self._workers = pipeline.scale_connect(0)
        wait_until(lambda: not pipeline.pods(CONNECT), LOST_SECONDS, "Connect to be away")
        _set(pipeline, "ALTER SYSTEM SET max_slot_wal_keep_size = {}", KEPT)
        wait_until(lambda: self._is_lost(pipeline), LOST_SECONDS, "the slot to be given up")

    def _is_lost(self, pipeline: Pipeline) -> bool:
        """Fills a segment of the WAL at each look; a checkpoint is when PostgreSQL decides."""
        with pipeline.database() as connection:
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
            found = connection.execute(
                "SELECT 1 FROM pg_replication_slots"
                " WHERE database = current_database() AND wal_status = 'lost'"
            )
            return found.fetchone() is not None

    def heal(self, pipeline: Pipeline) -> None:
        if self._workers:
            _set(pipeline, "ALTER SYSTEM RESET max_slot_wal_keep_size")
            pipeline.scale_connect(self._workers)
            pipeline.wait_for_workload(CONNECT, self._workers)
            self._workers = 0

    def repair(self, pipeline: Pipeline) -> str:
        done = pipeline.run("make", "recover", f"STACK={pipeline.stack}", seconds=RECOVER_SECONDS)
        found = COMPLETE_FROM.search(done.stdout)
        if found is None:
            raise FaultError(f"make recover did not say what it did: {done.stdout.strip()}")
        self._complete_from = int(found.group(1))
        return "make recover"

    def complete_from(self) -> int:
        return self._complete_from


def _set(pipeline: Pipeline, statement: str, value: str | None = None) -> None:
    with pipeline.database() as connection:
        connection.execute(sql.SQL(statement).format(*([sql.Literal(value)] if value else [])))
        connection.execute("SELECT pg_reload_conf()")
