"""What happens to the sample database shop."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from chaos.existing.load import VisitLoad
from polling import poll_until
from sample_databases.configuration import SUPERUSER
from sample_databases.server import SampleServer

AWAY_SECONDS = 30
# The least that max_slot_wal_keep_size does anything with is a segment of 16 MiB.
LIMIT_MEBIBYTES = 32
LOST_SECONDS = 120
SHOP, STANDBY = "shop", "shop_standby"
ELSEWHERE = 15499
SLOT_STATUS = "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical' AND"
# About 38 MB of WAL.
FILL = """
CREATE TABLE IF NOT EXISTS filler (text text);
TRUNCATE filler;
INSERT INTO filler SELECT repeat(md5(n::text), 60) FROM generate_series(1, 20000) AS n
"""


class ExistingFault(ABC):
    """A fault of a server that the program does not run."""

    name: str
    does: str
    needs_recovery: bool

    @abstractmethod
    def inject(self, load: VisitLoad, log: Callable[[str], None]) -> None:
        """Do what the fault does; return when the server may be captured again."""


class Killed(ExistingFault):
    """The server ends without a warning, and is started again."""

    name = "server-killed"
    does = f"SIGKILL of the server, which is away for {AWAY_SECONDS} s"
    needs_recovery = False

    def inject(self, load: VisitLoad, log: Callable[[str], None]) -> None:
        load.server.kill()
        log(f"{self.name}: killed")
        time.sleep(AWAY_SECONDS)
        load.server.start()


class FailedOver(ExistingFault):
    """A standby takes the server's place, without its replication slot."""

    name = "server-failed-over"
    does = "a standby is promoted at the server's address, without the replication slot"
    needs_recovery = True

    def inject(self, load: VisitLoad, log: Callable[[str], None]) -> None:
        primary = load.server
        name = SHOP if primary.description.name == STANDBY else STANDBY
        standby = primary.standby(name, ELSEWHERE)
        port = primary.description.port
        time.sleep(AWAY_SECONDS / 3)
        primary.kill()
        standby.promote()
        standby.move_to(port)
        log(f"{self.name}: the standby has taken the server's place")
        load.server = standby
        primary.remove()


class Unreachable(ExistingFault):
    """The worker does not reach the server until its slot is lost."""

    name = "server-unreachable"
    does = (
        "the server is at another port until it has lost its slot"
        f" (max_slot_wal_keep_size {LIMIT_MEBIBYTES} MB)"
    )
    needs_recovery = True

    def inject(self, load: VisitLoad, log: Callable[[str], None]) -> None:
        server, port = load.server, load.server.description.port
        server.description.settings["max_slot_wal_keep_size"] = f"{LIMIT_MEBIBYTES}MB"
        server.move_to(ELSEWHERE)
        log(f"{self.name}: the server is not at its address")
        poll_until(
            lambda: self._loses_slot(server),
            timeout=LOST_SECONDS,
            interval=1,
            description="the server to give up the slot",
        )
        log(f"{self.name}: the slot is lost")
        # Until the other source has been archived meanwhile, too.
        time.sleep(AWAY_SECONDS)
        server.move_to(port)

    def _loses_slot(self, server: SampleServer) -> bool:
        server.execute(FILL)
        server.execute("SELECT pg_switch_wal()", SUPERUSER)
        server.execute("CHECKPOINT", SUPERUSER)
        ((lost,),) = server.execute(f"{SLOT_STATUS} wal_status = 'lost'")
        return bool(lost)


FAULTS: tuple[type[ExistingFault], ...] = (Killed, FailedOver, Unreachable)
