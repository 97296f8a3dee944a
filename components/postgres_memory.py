"""PostgreSQL's memory settings, derived from its container's limit (MiB).

    limit = shared_buffers + SHARED_OVERHEAD
            + autovacuum_max_workers × maintenance_work_mem
            + max_wal_senders × (logical_decoding_work_mem + BACKEND_OVERHEAD)
            + max_connections × (work_mem + BACKEND_OVERHEAD)

A source connector takes a WAL sender, which decodes the log, and ordinary connections.
logical_decoding_work_mem is the memory from which on a sender writes the changes of open
transactions to the disk, so a smaller one costs time in large transactions and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PostgresMemory:
    """PostgreSQL's memory settings, in MiB except the two counts."""

    shared_buffers: int
    wal_buffers: int
    work_mem: int
    maintenance_work_mem: int
    logical_decoding_work_mem: int
    max_connections: int
    autovacuum_workers: int

    def worst_case(self, wal_senders: int) -> int:
        """Return the MiB of a server whose connections, workers and senders use all they may."""
        return (
            self.shared_buffers
            + SHARED_OVERHEAD
            + self.maintenance_work_mem * self.autovacuum_workers
            + (self.logical_decoding_work_mem + BACKEND_OVERHEAD) * wal_senders
            + (self.work_mem + BACKEND_OVERHEAD) * self.max_connections
        )


# MiB of private memory of a PostgreSQL backend that has served some queries.
BACKEND_OVERHEAD = 3
# MiB for the lock tables, the WAL buffers and the background processes.
SHARED_OVERHEAD = 32
# With one source connector. Three of them are reserved for the superuser.
MINIMUM_CONNECTIONS = 10
# Of a connector, its WAL sender among them: two while it streams, more while it starts or reads an
# added table. After a restart of a worker all of its connectors start together.
SESSIONS_PER_CONNECTOR = 4
# The most connections, unless the source connectors need more.
MOST_CONNECTIONS = 200
# MiB of a WAL sender's logical_decoding_work_mem.
MINIMUM_DECODING = 4
# MiB, the step in which limits are proposed. From a multiple of it on, all larger limits fit, too.
STEP = 64


def postgres_memory(limit: int, wal_senders: int = 4, connectors: int = 1) -> PostgresMemory:
    """Return PostgreSQL's settings for a container limit (MiB) and so many source connectors.

    Half of the limit is shared_buffers (design: 256MB of 512Mi). The rest is for the maintenance
    workers, the WAL senders and as many connections as fit with their work_mem.

    Raises ValueError, with the values that are accepted, if the connectors' connections or the WAL
    senders would not fit.
    """
    memory = _fitting(limit, wal_senders, connectors)
    if memory is None:
        remedies = ", or ".join(_remedies(limit, wal_senders, connectors))
        raise ValueError(
            f"{limit}Mi is too low for {wal_senders} WAL senders (source.maxWalSenders) and"
            f" {_needed_connections(connectors)} connections; {remedies}"
        )
    return memory


def _needed_connections(connectors: int) -> int:
    return MINIMUM_CONNECTIONS + (SESSIONS_PER_CONNECTOR - 1) * (connectors - 1)


def _fitting(limit: int, wal_senders: int, connectors: int) -> PostgresMemory | None:
    """Return the settings with the largest decoding buffers that fit; None where none fit."""
    shared_buffers = limit // 2
    basis = PostgresMemory(
        shared_buffers=shared_buffers,
        wal_buffers=min(16, max(1, shared_buffers // 16)),
        work_mem=4,
        maintenance_work_mem=max(4, limit // 32),
        logical_decoding_work_mem=0,
        max_connections=_needed_connections(connectors),
        autovacuum_workers=2,
    )
    room = (limit - basis.worst_case(wal_senders)) // wal_senders
    if room < MINIMUM_DECODING:
        return None
    decoding = min(room, max(MINIMUM_DECODING, limit // 64))
    decoded = replace(basis, logical_decoding_work_mem=decoding)
    left = limit - decoded.worst_case(wal_senders)
    connections = basis.max_connections + left // (basis.work_mem + BACKEND_OVERHEAD)
    most = max(MOST_CONNECTIONS, basis.max_connections)
    return replace(decoded, max_connections=min(connections, most))


def _remedies(limit: int, wal_senders: int, connectors: int) -> Iterator[str]:
    """Yield each change that alone is accepted."""
    enough = limit // STEP * STEP + STEP
    while _fitting(enough, wal_senders, connectors) is None:
        enough += STEP
    yield f"set at least {enough}Mi"
    for fewer in range(wal_senders - 1, connectors - 1, -1):
        if _fitting(limit, fewer, connectors):
            yield f"source.maxWalSenders to at most {fewer}"
            break
    if connectors > 1 and _fitting(limit, wal_senders, 1):
        yield "source.isolation to shared"
