"""The streaming layer's configuration (`datapipe:kafka`, `:topics`, `:connect`, `:registry`)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.config.tables import TableName, TopicName
from components.settings import Settings

Compression = Literal["lz4", "zstd", "snappy", "gzip", "producer", "uncompressed"]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+:\d{1,5}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

WEEK_MS = 7 * 24 * 60 * 60 * 1000


class KafkaSettings(Settings):
    """The brokers, in KRaft combined mode (design: "Apache Kafka (Event Streaming Platform)")."""

    brokers: int = Field(default=3, ge=1, le=99)
    port: int = Field(default=9092, ge=1024, le=65535)
    controller_port: int = Field(default=9093, ge=1024, le=65535)
    external_port: int = Field(
        default=9094, ge=1024, le=65535, description="the listener behind the node ports"
    )
    network_threads: int = Field(default=8, ge=1)
    io_threads: int = Field(default=16, ge=1)
    socket_send_buffer_bytes: int = Field(default=102400, ge=-1)
    socket_receive_buffer_bytes: int = Field(default=102400, ge=-1)
    socket_request_max_bytes: int = Field(default=104857600, ge=1048576)
    replication_factor: int = Field(default=3, ge=1)
    min_insync_replicas: int = Field(default=2, ge=1)
    replica_fetchers: int = Field(default=4, ge=1)
    replica_fetch_max_bytes: int = Field(default=1048576, ge=1)
    bootstrap_servers: tuple[Address, ...] = Field(
        default=(),
        description="host:port of brokers as Pulumi reaches them, to make the topics; by default"
        " the node ports, and required without these",
    )
    protect: bool = Field(default=False, description="refuse to delete or replace the brokers")

    @model_validator(mode="after")
    def _replicas_exist(self) -> "KafkaSettings":
        if self.replication_factor > self.brokers:
            raise ValueError(
                f"replicationFactor {self.replication_factor} needs as many brokers, but brokers is"
                f" {self.brokers}; give brokers ≥ {self.replication_factor} or a lower factor"
            )
        if self.min_insync_replicas > self.replication_factor:
            raise ValueError(
                f"minInsyncReplicas {self.min_insync_replicas} is above replicationFactor"
                f" {self.replication_factor}; nothing could be written with acks=all"
            )
        return self


class TopicOverride(Settings):
    """What is different for one captured table's topic; the rest is as for all."""

    partitions: int | None = Field(
        default=None, ge=1, le=1000, description="may grow; fewer would need a new topic"
    )
    retention_ms: int | None = Field(default=None, ge=60_000)
    compression: Compression | None = None


class TopicSettings(Settings):
    """The topics of captured tables and dead letters (design: "Topic Configuration")."""

    partitions: int = Field(default=6, ge=1, le=1000, description="per captured table")
    retention_ms: int = Field(default=WEEK_MS, ge=60_000)
    compression: Compression = "lz4"
    overrides: Mapping[TableName, TopicOverride] = Field(
        default={}, description="by captured table"
    )
    dead_letter_partitions: int = Field(default=3, ge=1, le=1000)
    dead_letter_retention_ms: int = Field(default=WEEK_MS, ge=60_000)
    protect: bool = Field(default=True, description="refuse to delete the topics of tables")

    def partitions_of(self, table: str) -> int:
        """Return the number of partitions of a captured table's topic."""
        override = self.overrides.get(table)
        return override.partitions if override and override.partitions else self.partitions


class PluginDigests(Settings):
    """SHA-256 of the archives from Confluent Hub; another archive is not installed."""

    debezium: Sha256 | None = Field(
        default=None, description="SHA-256 of the archive; by default any is installed"
    )
    s3_sink: Sha256 | None = Field(
        default=None, description="SHA-256 of the archive; by default any is installed"
    )


class ConnectSettings(Settings):
    """The Kafka Connect workers (design: "Kafka Connect Cluster")."""

    workers: int = Field(default=1, ge=1, le=50)
    port: int = Field(default=8083, ge=1024, le=65535)
    group_id: str = "connect-cluster"
    config_topic: TopicName = "connect-configs"
    offset_topic: TopicName = "connect-offsets"
    status_topic: TopicName = "connect-status"
    plugins: Literal["hub", "image"] = Field(
        default="hub", description="downloaded by an init container (the design) or in the image"
    )
    plugin_digests: PluginDigests = PluginDigests()
    converter: Literal["avro", "json"] = Field(
        default="avro", description="avro with Schema Registry, or JSON with schemas"
    )
    exactly_once: bool = Field(
        default=True, description="the source writes in transactions, the sink reads committed"
    )
    heartbeat_interval_ms: int = Field(default=30_000, ge=0)
    start_timeout_seconds: int = Field(
        default=180, ge=10, description="for a connector and all its tasks to be RUNNING"
    )
    snapshot_timeout_seconds: int = Field(
        default=3600, ge=60, description="for the rows that an added table had before to be read"
    )


class RegistrySettings(Settings):
    """Schema Registry (design: "Schema Registry"); only where the converter needs it."""

    port: int = Field(default=8081, ge=1024, le=65535)
    topic: TopicName = "_schemas"
    compatibility: Literal[
        "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FULL", "FULL_TRANSITIVE", "NONE"
    ] = "BACKWARD"
