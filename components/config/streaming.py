"""The streaming layer's configuration (`datapipe:kafka`, `:topics`, `:connect`, `:registry`)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.config.addresses import BrokerAddress
from components.config.tables import ListedTables, TableName, TopicName
from components.row_size import RowSize
from components.settings import LARGEST_INT, LARGEST_LONG, Mebibytes, Pattern, Settings
from components.sizing import BROKER_JVM, Collector

Compression = Literal["lz4", "zstd", "snappy", "gzip", "producer", "uncompressed"]
Sha256 = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[0-9a-f]{64}",
            name="SHA-256 digest",
            allowed="64 hexadecimal digits in lower case, as sha256sum prints them",
        )
    ),
]

GroupId = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[A-Za-z0-9._-]{1,249}",
            name="group id",
            allowed="1 to 249 letters, digits, '.', '_' and '-'",
        )
    ),
]
SinkVersion = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"\d{1,4}\.\d{1,4}\.\d{1,4}",
            name="version",
            allowed="three numbers, e.g. 10.5.0",
        )
    ),
]

MOST_BROKERS = 99
# Of one kind in a broker: sizing leaves room for the stacks of so many in all.
MOST_THREADS = BROKER_JVM.threads
WEEK_MS = 7 * 24 * 60 * 60 * 1000
# Seconds of a record's life in the topics by default.
LONGEST_WAIT = WEEK_MS // 1000


class KafkaSettings(Settings):
    """The brokers, in KRaft combined mode (design: "Apache Kafka (Event Streaming Platform)")."""

    brokers: int = Field(
        default=3,
        ge=1,
        le=MOST_BROKERS,
        description="Number of brokers, each also a controller (design:"
        ' "Apache Kafka (Event Streaming Platform)"); it can\'t change in a running stack.',
    )
    port: int = Field(
        default=9092,
        ge=1024,
        le=65535,
        description="Port of the brokers for clients in the cluster (design:"
        ' "Network Security Implementation").',
    )
    controller_port: int = Field(
        default=9093,
        ge=1024,
        le=65535,
        description="Port of the controllers' quorum (design: controller.quorum.voters).",
    )
    external_port: int = Field(
        default=9094,
        ge=1024,
        le=65535,
        description="Port of the brokers behind the node ports, for clients outside the cluster.",
    )
    network_threads: int = Field(
        default=8,
        ge=1,
        le=MOST_THREADS,
        description="Kafka's num.network.threads (design: 8 for 10k events/sec).",
    )
    io_threads: int = Field(
        default=16,
        ge=1,
        le=MOST_THREADS,
        description="Kafka's num.io.threads (design: 16 for 10k events/sec).",
    )
    socket_send_buffer_bytes: int = Field(
        default=102400,
        ge=-1,
        le=LARGEST_INT,
        description="Kafka's socket.send.buffer.bytes (design: 102400); -1 is the kernel's"
        " default.",
    )
    socket_receive_buffer_bytes: int = Field(
        default=102400,
        ge=-1,
        le=LARGEST_INT,
        description="Kafka's socket.receive.buffer.bytes (design: 102400); -1 is the kernel's"
        " default.",
    )
    socket_request_max_bytes: int = Field(
        default=104857600,
        ge=1048576,
        le=LARGEST_INT,
        description="Kafka's socket.request.max.bytes, the largest request in bytes (design:"
        " 104857600).",
    )
    replication_factor: int = Field(
        default=3,
        ge=1,
        le=MOST_BROKERS,
        description="Replicas of each partition (design: default.replication.factor); at most the"
        " number of brokers.",
    )
    min_insync_replicas: int = Field(
        default=2,
        ge=1,
        le=MOST_BROKERS,
        description="Replicas that must have a record before it is acknowledged (design:"
        " min.insync.replicas); at most replicationFactor.",
    )
    replica_fetchers: int = Field(
        default=4,
        ge=1,
        le=MOST_THREADS,
        description='Kafka\'s num.replica.fetchers (design: "Kafka Tuning").',
    )
    replica_fetch_max_bytes: int = Field(
        default=1048576,
        ge=1,
        le=LARGEST_INT,
        description='Kafka\'s replica.fetch.max.bytes (design: "Kafka Tuning").',
    )
    max_row_size: Mebibytes = Field(
        default=1,
        description="Size of the largest row, as a record in Kafka, e.g. 4Mi. JSON records contain"
        " their schema and escape characters. A larger row stops the source with the row's table"
        " and key.",
    )
    bootstrap_servers: tuple[BrokerAddress, ...] = Field(
        default=(),
        description="Brokers as host:port by which Pulumi creates the topics; the default is the"
        " node ports, and without node ports the key is required.",
    )
    security: Literal["plaintext", "tls"] = Field(
        default="plaintext",
        description="With tls every connection to brokers, controllers and Schema Registry is"
        " encrypted, each client has a certificate of its own, and ACLs allow it what it does;"
        " plaintext is the design's.",
    )
    protect: bool = Field(
        default=False,
        description="Whether Pulumi refuses to delete or replace the brokers' StatefulSet, the"
        " cluster's id and its certificate authority.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.replication_factor > self.brokers:
            remedy = f"set at most {self.brokers}"
            if self.replication_factor <= MOST_BROKERS:
                remedy += f", or kafka.brokers to at least {self.replication_factor}"
            yield (
                "replicationFactor",
                f"{self.replication_factor} is above kafka.brokers ({self.brokers}); {remedy}",
            )
        largest = RowSize(self.max_row_size).dead_letter_bytes
        if largest > self.socket_request_max_bytes:
            fitting = RowSize.of_dead_letter(self.socket_request_max_bytes)
            smaller = f"set at most {fitting.mebibytes}Mi, or " if fitting else "set "
            yield (
                "maxRowSize",
                f"{self.max_row_size}Mi needs requests of {largest} bytes, above"
                f" kafka.socketRequestMaxBytes ({self.socket_request_max_bytes}); {smaller}"
                f"kafka.socketRequestMaxBytes to at least {largest}",
            )
        if self.min_insync_replicas > self.replication_factor:
            yield (
                "minInsyncReplicas",
                f"{self.min_insync_replicas} is above replicationFactor"
                f" ({self.replication_factor}), so no record could be written with acks=all; set at"
                f" most {self.replication_factor}",
            )


class TopicOverride(Settings):
    """What differs for one captured table's topic; the rest is as for all."""

    partitions: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Partitions of this table's topic. The number may grow; fewer partitions need"
        " a new topic.",
    )
    retention_ms: int | None = Field(
        default=None,
        ge=60_000,
        le=LARGEST_LONG,
        description="Milliseconds for which this table's topic keeps records.",
    )
    compression: Compression | None = Field(
        default=None, description="Kafka's compression.type of this table's topic."
    )


class TopicSettings(Settings):
    """The topics of captured tables and dead letters (design: "Topic Configuration")."""

    partitions: int = Field(
        default=6,
        ge=1,
        le=1000,
        description='Partitions of each captured table\'s topic (design: "Topic Configuration").',
    )
    retention_ms: int = Field(
        default=WEEK_MS,
        ge=60_000,
        le=LARGEST_LONG,
        description="Milliseconds for which a captured table's topic keeps records, 7 days by"
        ' default (design: "Topic Configuration"); less where the brokers\' volumes would fill up.',
    )
    compression: Compression = Field(
        default="lz4",
        description="Kafka's compression.type of the captured tables' topics (design:"
        ' "Topic Configuration").',
    )
    overrides: Mapping[TableName, TopicOverride] = Field(
        default={},
        description="What differs for single tables of the managed database, by their names"
        " (schema.table).",
    )
    dead_letter_partitions: int = Field(
        default=3,
        ge=1,
        le=1000,
        description='Partitions of each dead letter queue\'s topic (design: "DLQ Topology").',
    )
    dead_letter_retention_ms: int = Field(
        default=WEEK_MS,
        ge=60_000,
        le=LARGEST_LONG,
        description="Milliseconds for which the dead letter queues keep records, 7 days by default"
        ' (design: "DLQ Topology").',
    )
    protect: bool = Field(
        default=True,
        description="Whether Pulumi refuses to delete or replace the captured tables' topics.",
    )
    delete: tuple[ListedTables, ...] = Field(
        default=(),
        description="Tables whose topic may be deleted, with the records that no sink has read: the"
        " yes that is required before a table is removed from datapipe:tables or datapipe:sources."
        " A listed table's topic is not protected. A table of a source is <source>.schema.table,"
        " and <source>.* is all of them.",
    )

    def partitions_of(self, table: str) -> int:
        """Return the number of partitions of a captured table's topic."""
        override = self.overrides.get(table)
        return override.partitions if override and override.partitions else self.partitions


class PluginDigests(Settings):
    """SHA-256 of the archives from Confluent Hub; an archive with another is not installed."""

    debezium: Sha256 | None = Field(
        default=None,
        description="SHA-256 of Debezium's archive; by default any archive is installed.",
    )
    s3_sink: Sha256 | None = Field(
        default=None,
        description="SHA-256 of the S3 sink's archive; by default any archive is installed.",
    )


class ConnectSettings(Settings):
    """The Kafka Connect workers (design: "Kafka Connect Cluster")."""

    workers: int = Field(
        default=1,
        ge=1,
        le=50,
        description='Number of Kafka Connect workers (design: "Kafka Connect Cluster").',
    )
    port: int = Field(
        default=8083,
        ge=1024,
        le=65535,
        description="Port of Kafka Connect's REST API (design:"
        ' "Network Security Implementation").',
    )
    group_id: GroupId = Field(
        default="connect-cluster",
        description='Kafka Connect\'s group.id (design: "Kafka Connect Cluster").',
    )
    config_topic: TopicName = Field(
        default="connect-configs",
        description='Topic of the connectors\' configurations (design: "Kafka Connect Cluster").',
    )
    offset_topic: TopicName = Field(
        default="connect-offsets",
        description='Topic of the source connectors\' offsets (design: "Kafka Connect Cluster").',
    )
    status_topic: TopicName = Field(
        default="connect-status",
        description="Topic of the connectors' and tasks' states (design:"
        ' "Kafka Connect Cluster").',
    )
    collector: Collector = Field(
        default="parallel",
        description="Garbage collector of the workers' JVMs: parallel takes less CPU a row, g1"
        ' (design: "Kafka Tuning") has shorter pauses in large heaps; docs/TUNING.md has the'
        " figures.",
    )
    plugins: Literal["hub", "image"] = Field(
        default="hub",
        description="Where the connector plugins come from: with hub an init container downloads"
        " them from Confluent Hub (design: plugin_installation), with image they are part of the"
        " image.",
    )
    plugin_digests: PluginDigests = Field(
        default=PluginDigests(), description="Digests of the archives that hub downloads."
    )
    s3_sink_version: SinkVersion = Field(
        default="10.5.0",
        description="Version of Confluent's S3 sink (design: 10.5.0): what hub downloads, or what"
        " the image has. Up to 10.5.20 it loads only with some releases of Kafka, which the preview"
        " checks.",
    )
    converter: Literal["avro", "json"] = Field(
        default="avro",
        description="Format of the records: Avro with Schema Registry (design:"
        ' "Debezium CDC Connector"), or JSON that contains its schema.',
    )
    exactly_once: bool = Field(
        default=True,
        description="Whether the source connectors write in transactions and the sink reads"
        " committed records only; without it a failure may duplicate records.",
    )
    heartbeat_interval_ms: int = Field(
        default=30_000,
        ge=0,
        le=LARGEST_INT,
        description="Milliseconds between Debezium's heartbeats (design: heartbeat.interval.ms);"
        " 0 switches them off.",
    )
    start_timeout_seconds: int = Field(
        default=180,
        ge=10,
        le=LONGEST_WAIT,
        description="Seconds that a connector and all its tasks may take until they are RUNNING.",
    )
    snapshot_timeout_seconds: int = Field(
        default=3600,
        ge=60,
        le=LONGEST_WAIT,
        description="Seconds that reading the existing rows of an added table may take.",
    )


class RegistrySettings(Settings):
    """Schema Registry (design: "Schema Registry"); only where connect.converter is avro."""

    port: int = Field(
        default=8081,
        ge=1024,
        le=65535,
        description='Port of Schema Registry (design: "Network Security Implementation").',
    )
    topic: TopicName = Field(
        default="_schemas", description="Topic of the schemas (design: kafkastore.topic)."
    )
    compatibility: Literal[
        "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FULL", "FULL_TRANSITIVE", "NONE"
    ] = Field(
        default="BACKWARD",
        description="Changes of a schema that Schema Registry accepts (design:"
        " schema.compatibility.level).",
    )
