"""The brokers' configuration files (design: "Apache Kafka (Event Streaming Platform)").

`server.properties` is what all brokers share; `kafka-<n>.properties` is what is broker n's own.
The start script puts the two together, so that no script has to compute a setting.
"""

from dataclasses import dataclass

from components.config.cluster import ClusterSettings
from components.config.streaming import KafkaSettings
from components.row_size import RowSize
from components.streaming.access.transport import Transport
from components.streaming.properties import Properties
from components.workloads import Workload, service_host

KAFKA = Workload.KAFKA.value
HEADLESS_SERVICE = f"{KAFKA}-headless"
# The claim is mounted here exactly, because Confluent's images declare a VOLUME at this path.
# Where no mount covers it exactly, the runtime adds a volume that is deleted with the container.
VOLUME_DIR = "/var/lib/kafka/data"
# A folder below the volume: its root may have a file system's lost+found, which is not a log.
LOG_DIR = f"{VOLUME_DIR}/data"

INTERNAL, CONTROLLER, EXTERNAL = "INTERNAL", "CONTROLLER", "EXTERNAL"

# The partitions of the offsets and transaction topics, for the few groups and ids here.
#
# Kafka's default of 50 each, on three brokers, is 100 logs more per broker with their open files,
# index mappings and replica fetching, for nothing. The number can't be changed once they exist.
INTERNAL_TOPIC_PARTITIONS = 6

# Heap for compaction; the default of 128 MiB would be a third of the heap of a 682Mi broker.
CLEANER_DEDUPE_BYTES = 16 * 1024 * 1024

# The size of a segment of Kafka's own topics.
OWN_SEGMENT_BYTES = 16 * 1024 * 1024

# Heap per fetcher and peer; the default of 10 MiB × 4 fetchers × 2 peers is 80 MiB.
REPLICA_RESPONSE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class KafkaNetwork:
    """Where each broker is found, inside the cluster and outside it."""

    settings: KafkaSettings
    cluster: ClusterSettings
    namespace: str
    credentials_version: int = 1

    @property
    def transport(self) -> Transport:
        """How connections to the brokers are secured."""
        return Transport(self.settings.security, self.credentials_version)

    def pod(self, ordinal: int) -> str:
        """Return the name of a broker's pod."""
        return f"{KAFKA}-{ordinal}"

    def host(self, ordinal: int) -> str:
        """Return a broker's own name in the cluster's DNS."""
        return f"{self.pod(ordinal)}.{service_host(HEADLESS_SERVICE, self.namespace)}"

    def internal(self, ordinal: int) -> str:
        return f"{self.host(ordinal)}:{self.settings.port}"

    def external(self, ordinal: int) -> str | None:
        """Return where clients outside the cluster reach a broker; None if they can't."""
        if self.cluster.node_ports is None:
            return None
        return f"{self.cluster.external_host}:{self.cluster.node_ports.first_broker + ordinal}"

    @property
    def bootstrap(self) -> str:
        """The bootstrap server of clients in the cluster: any broker that is ready."""
        return f"{service_host(KAFKA, self.namespace)}:{self.settings.port}"

    @property
    def worker_client(self) -> dict[str, str]:
        """The properties of a client in the Connect worker, which has its own certificate."""
        secured = self.transport.client_properties("")
        return {
            "bootstrap.servers": self.bootstrap,
            **{name: str(value) for name, value in secured.items()},
        }

    @property
    def server_names(self) -> tuple[str, ...]:
        """The hosts by which clients find the brokers, for their certificate."""
        hosts = [self.host(ordinal) for ordinal in range(self.settings.brokers)]
        addresses = [self.bootstrap, *self.external_bootstrap]
        found = [*hosts, *(address.rpartition(":")[0] for address in addresses)]
        return tuple(dict.fromkeys(found))

    @property
    def external_bootstrap(self) -> list[str]:
        """The bootstrap servers of clients outside: of Pulumi itself, which makes the topics.

        Without node ports the stack names them (`kafka.bootstrapServers`). Kafka then sends its
        clients on to each broker's name in the cluster's DNS, which must lead there as well.
        """
        if self.settings.bootstrap_servers:
            return list(self.settings.bootstrap_servers)
        addresses = (self.external(ordinal) for ordinal in range(self.settings.brokers))
        return [address for address in addresses if address is not None]


def shared_properties(network: KafkaNetwork) -> Properties:
    """Return the settings that all brokers share."""
    settings = network.settings
    voters = (
        f"{node_id(ordinal)}@{network.host(ordinal)}:{settings.controller_port}"
        for ordinal in range(settings.brokers)
    )
    listeners, transport = _listeners(network), network.transport
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": ",".join(voters),
        "listeners": ",".join(f"{name}://:{port}" for name, port in listeners.items()),
        "listener.security.protocol.map": ",".join(
            f"{name}:{transport.protocol}" for name in listeners
        ),
        "inter.broker.listener.name": INTERNAL,
        "controller.listener.names": CONTROLLER,
        "log.dirs": LOG_DIR,
        **_throughput(settings),
        **_durability(settings),
        **_memory(settings),
        **_storage(),
        **_timeouts(),
        **transport.broker_properties(),
    }


def node_properties(network: KafkaNetwork, ordinal: int) -> Properties:
    """Return the settings of one broker."""
    advertised = {INTERNAL: network.internal(ordinal), EXTERNAL: network.external(ordinal)}
    return {
        "node.id": node_id(ordinal),
        "advertised.listeners": ",".join(
            f"{name}://{address}" for name, address in advertised.items() if address
        ),
    }


def node_id(ordinal: int) -> int:
    """Return a broker's id: the design counts from 1, Kubernetes its pods from 0."""
    return ordinal + 1


def _listeners(network: KafkaNetwork) -> dict[str, int]:
    """Names and ports; clients outside get one of their own, for they need other addresses."""
    settings = network.settings
    listeners = {INTERNAL: settings.port, CONTROLLER: settings.controller_port}
    if network.cluster.node_ports is not None:
        listeners[EXTERNAL] = settings.external_port
    return listeners


def _throughput(settings: KafkaSettings) -> Properties:
    row_size = RowSize(settings.max_row_size)
    return {
        "num.network.threads": settings.network_threads,
        "num.io.threads": settings.io_threads,
        "num.replica.fetchers": settings.replica_fetchers,
        "replica.fetch.max.bytes": max(settings.replica_fetch_max_bytes, row_size.record_bytes),
        "message.max.bytes": row_size.batch_bytes,
        "socket.send.buffer.bytes": settings.socket_send_buffer_bytes,
        "socket.receive.buffer.bytes": settings.socket_receive_buffer_bytes,
        "socket.request.max.bytes": settings.socket_request_max_bytes,
    }


def _durability(settings: KafkaSettings) -> Properties:
    """Return settings by which losing a broker loses no acknowledged record."""
    return {
        "default.replication.factor": settings.replication_factor,
        "min.insync.replicas": settings.min_insync_replicas,
        "unclean.leader.election.enable": False,
        "auto.create.topics.enable": False,
        "delete.topic.enable": True,
        "offsets.topic.replication.factor": settings.replication_factor,
        "offsets.topic.num.partitions": INTERNAL_TOPIC_PARTITIONS,
        "transaction.state.log.replication.factor": settings.replication_factor,
        "transaction.state.log.min.isr": settings.min_insync_replicas,
        "transaction.state.log.num.partitions": INTERNAL_TOPIC_PARTITIONS,
    }


def _memory(settings: KafkaSettings) -> Properties:
    """Return the settings that keep a broker's heap within a 682Mi container."""
    return {
        "log.cleaner.dedupe.buffer.size": CLEANER_DEDUPE_BYTES,
        "replica.fetch.response.max.bytes": REPLICA_RESPONSE_BYTES,
        # Requests that wait for a thread hold their bytes: no more in all than one may have.
        "queued.max.request.bytes": settings.socket_request_max_bytes,
    }


def _storage() -> Properties:
    """Segments small enough for a volume of a few GiB: only closed ones are compacted.

    With Kafka's defaults (1 GiB, and 100 MiB for its own topics) the compacted topics, to which
    exactly-once writes at every transaction, could fill the volume before the first compaction.
    """
    return {
        "log.segment.bytes": 4 * OWN_SEGMENT_BYTES,
        "offsets.topic.segment.bytes": OWN_SEGMENT_BYTES,
        "transaction.state.log.segment.bytes": OWN_SEGMENT_BYTES,
    }


def _timeouts() -> Properties:
    """Time limits for brokers of half a CPU, which may pause for a second at start."""
    return {
        "controller.quorum.election.timeout.ms": 3000,
        "controller.quorum.fetch.timeout.ms": 6000,
        # After an unclean stop, logs are checked by this many threads; more than the CPU holds
        # would only make each slower.
        "num.recovery.threads.per.data.dir": 2,
    }
