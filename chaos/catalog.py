"""Every fault, as data: the report's rows in their order.

The kubelet waits longer from restart to restart of the same container, so those that restart one
are spread, and the one that replaces all pods comes last.
"""

from chaos.fault import Fault, Hold
from chaos.faults.clocks import ClockJump
from chaos.faults.disks import DiskFull
from chaos.faults.network import Cut
from chaos.faults.object_store import S3Fails
from chaos.faults.processes import Killed, KilledInTurn, OutOfMemory, PodsDeleted
from chaos.faults.records import Poison
from chaos.faults.schemas import Compatible, Incompatible
from chaos.faults.updates import Killed as UpdateKilled
from chaos.faults.updates import TwoAtOnce
from chaos.faults.wal import SlotLost
from chaos.pipeline import CONNECT, KAFKA, POSTGRESQL
from chaos.s3_proxy import DENIED, INTERNAL_ERROR, SLOW_DOWN, UNAVAILABLE, Answer

S3_IS_SLOW = Answer(delay=4)

IN_CI = ("connect-killed", "broker-killed", "poison-records")
"""What CI runs of them."""
QUICK = (*IN_CI, "postgresql-killed", "s3-errors", "network-cut", "schema-compatible")
"""What a quick run makes do with."""


def faults() -> list[Fault]:
    """New instances of all."""
    return [
        Killed("connect-killed", "SIGKILL of the Connect worker", workload=CONNECT),
        Killed("broker-killed", "SIGKILL of one broker", workload=KAFKA, victims=("kafka-0",)),
        Poison("poison-records", "a record of junk in the topic of each captured table"),
        KilledInTurn(
            "brokers-killed", "SIGKILL of each broker, one after the other", workload=KAFKA
        ),
        Killed(
            "two-brokers-killed",
            "SIGKILL of two of three brokers at once",
            workload=KAFKA,
            victims=("kafka-1", "kafka-2"),
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
        Cut(
            "network-cut",
            "no packet between the Connect worker and the brokers",
            Hold(full=45, quick=30),
        ),
        DiskFull(
            "broker-disk-full", "a broker's disk is full", Hold(full=30, quick=20), pod="kafka-0"
        ),
        DiskFull(
            "postgresql-disk-full",
            "PostgreSQL's disk is full",
            Hold(full=30, quick=20),
            pod="postgresql-0",
        ),
        SlotLost(
            "slot-lost",
            "Connect is away until max_slot_wal_keep_size makes PostgreSQL give its slot up",
        ),
        Compatible("schema-compatible", "ADD COLUMN NOT NULL DEFAULT, integer to bigint"),
        Incompatible("schema-incompatible", "the type of a column from timestamp to text"),
        UpdateKilled("update-killed", "pulumi up killed in the middle and run again"),
        TwoAtOnce("two-updates", "two pulumi up at once"),
        OutOfMemory("connect-oom", "the kernel kills Connect for its memory", workload=CONNECT),
        OutOfMemory("brokers-oom", "the kernel kills each broker for its memory", workload=KAFKA),
        OutOfMemory(
            "postgresql-oom", "the kernel kills in PostgreSQL for its memory", workload=POSTGRESQL
        ),
        ClockJump("clock-jump", "the clock jumps"),
        PodsDeleted("pods-restarted", "all pods deleted at once"),
    ]
