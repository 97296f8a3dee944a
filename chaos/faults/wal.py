"""A replication slot that is lost because its reader was away for too long."""

import re
from dataclasses import dataclass, field

from psycopg import sql

from chaos.fault import Fault
from chaos.pipeline import CONNECT, FaultError, Pipeline, wait_until

# max_slot_wal_keep_size during the fault: writing 3 GB would take minutes.
KEPT = "32MB"
LOST_SECONDS = 90
RECOVER_SECONDS = 600
# `make recover` prints this.
COMPLETE_FROM = re.compile(r"__source_lsn >= (\d+)")


@dataclass
class SlotLost(Fault):
    """Connect is away until PostgreSQL invalidates its slot, because of max_slot_wal_keep_size."""

    keeps_history: bool = False
    user_after: float = 30
    _workers: int = field(default=0, repr=False)
    """how many there were; 0: they were not removed"""
    _complete_from: int = field(default=0, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        self._workers = pipeline.scale_connect(0)
        wait_until(lambda: not pipeline.pods(CONNECT), LOST_SECONDS, "Connect's pods to stop")
        _set(pipeline, "ALTER SYSTEM SET max_slot_wal_keep_size = {}", KEPT)
        wait_until(lambda: self._is_lost(pipeline), LOST_SECONDS, "the slot to be lost")

    def _is_lost(self, pipeline: Pipeline) -> bool:
        """Fill a WAL segment and start a checkpoint; return whether the slot is lost."""
        with pipeline.answering_database() as connection:
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
            raise FaultError(f"make recover did not print a WAL position: {done.stdout.strip()}")
        self._complete_from = int(found.group(1))
        return "make recover"

    def complete_from(self) -> int:
        return self._complete_from


def _set(pipeline: Pipeline, statement: str, value: str | None = None) -> None:
    with pipeline.answering_database() as connection:
        connection.execute(sql.SQL(statement).format(*([sql.Literal(value)] if value else [])))
        connection.execute("SELECT pg_reload_conf()")
