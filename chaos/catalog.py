"""Every fault, as data, in the order of the report's rows.

The kubelet waits longer with each restart of the same container, so faults that restart one are not
adjacent, and the fault that replaces all pods comes last.
"""

from chaos.experiment import SHOP_RATE
from chaos.fault import Fault, Hold
from chaos.faults.clocks import ClockJump
from chaos.faults.disks import DiskFull, room_for
from chaos.faults.maintenance import (
    KilledAfterExpiry,
    MaintenanceKilled,
    MaintenanceWithFailingS3,
    TwoMaintenances,
)
from chaos.faults.network import Cut
from chaos.faults.object_store import S3Fails
from chaos.faults.processes import Killed, KilledInTurn, OutOfMemory, PodsDeleted
from chaos.faults.records import Poison
from chaos.faults.schemas import Compatible, Incompatible
from chaos.faults.updates import Killed as UpdateKilled
from chaos.faults.updates import TwoUpdates
from chaos.faults.wal import SlotLost
from chaos.pipeline import CONNECT, KAFKA, POSTGRESQL
from chaos.s3_proxy import DENIED, INTERNAL_ERROR, SLOW_DOWN, UNAVAILABLE, Answer

S3_IS_SLOW = Answer(delay=4)
# A run of the maintenance makes hundreds of requests.
EACH_IS_SLOW = Answer(delay=1)

# The faults that CI injects.
IN_CI = ("connect-killed", "broker-killed", "poison-records")
# The faults of a quick run.
QUICK = (*IN_CI, "postgresql-killed", "s3-errors", "network-cut", "schema-compatible")


def faults(rate: float = SHOP_RATE) -> list[Fault]:
    """Return new instances of all faults, for a load of so many changes per second."""
    room = room_for(rate)
    return [
        Killed("connect-killed", "SIGKILL of a Connect worker", workload=CONNECT),
        Killed("broker-killed", "SIGKILL of one broker", workload=KAFKA),
        Poison("poison-records", "an unreadable record in the topic of each captured table"),
        KilledInTurn(
            "brokers-killed", "SIGKILL of each broker, one after the other", workload=KAFKA
        ),
        Killed(
            "two-brokers-killed",
            "SIGKILL of two brokers at the same time",
            workload=KAFKA,
            count=2,
        ),
        Killed("postgresql-killed", "SIGKILL of PostgreSQL", workload=POSTGRESQL),
        S3Fails(
            "s3-errors",
            "S3 answers 500 and 503 to every request",
            Hold(full=300, quick=45),
            answers=(INTERNAL_ERROR, UNAVAILABLE, SLOW_DOWN),
        ),
        S3Fails(
            "s3-slow",
            f"S3 takes {S3_IS_SLOW.delay:.0f} s for every answer",
            Hold(full=60, quick=30),
            answers=(S3_IS_SLOW,),
        ),
        S3Fails("s3-denied", "S3 denies every request", Hold(full=45, quick=30), answers=(DENIED,)),
        Killed(
            "all-brokers-killed",
            "SIGKILL of all brokers at the same time",
            workload=KAFKA,
            count=None,
        ),
        Cut(
            "network-cut",
            "no packet passes between the Connect workers and the brokers",
            Hold(full=45, quick=30),
        ),
        DiskFull(
            "broker-disk-full",
            "a broker's disk is full",
            Hold(full=30, quick=20),
            pod="kafka-0",
            room=room,
        ),
        DiskFull(
            "postgresql-disk-full",
            "PostgreSQL's disk is full",
            Hold(full=30, quick=20),
            pod="postgresql-0",
            room=room,
        ),
        SlotLost(
            "slot-lost",
            "Connect is away until PostgreSQL invalidates its slot (max_slot_wal_keep_size)",
        ),
        Compatible("schema-compatible", "ADD COLUMN NOT NULL DEFAULT, integer to bigint"),
        Incompatible("schema-incompatible", "the type of a column from timestamp to text"),
        UpdateKilled("update-killed", "pulumi up killed during an update and run again"),
        TwoUpdates("two-updates", "two pulumi up at the same time"),
        MaintenanceKilled(
            "maintenance-killed", "SIGKILL of the archive's maintenance at three random moments"
        ),
        TwoMaintenances("two-maintenances", "two runs of the maintenance at the same time"),
        MaintenanceWithFailingS3(
            "maintenance-s3-slow",
            f"S3 takes {EACH_IS_SLOW.delay:.0f} s for every answer while the maintenance runs",
            Hold(full=60, quick=30),
            answers=(EACH_IS_SLOW,),
        ),
        MaintenanceWithFailingS3(
            "maintenance-denied",
            "S3 denies the maintenance, and only it, every request",
            Hold(full=30, quick=20),
            answers=(DENIED,),
            only_the_maintenance=True,
        ),
        KilledAfterExpiry(
            "worker-killed-after-expiry",
            "SIGKILL of the Connect worker after an expiry that left idle tables one snapshot each",
        ),
        OutOfMemory("connect-oom", "the OOM killer kills Connect", workload=CONNECT),
        OutOfMemory("brokers-oom", "the OOM killer kills each broker", workload=KAFKA),
        OutOfMemory(
            "postgresql-oom", "the OOM killer kills a process of PostgreSQL", workload=POSTGRESQL
        ),
        ClockJump("clock-jump", "the clock jumps"),
        PodsDeleted("pods-restarted", "all pods deleted at the same time"),
    ]
