"""The pipeline's two connectors, as the stack's configuration asks for them."""

import pulumi

from components.config import StackConfig
from components.sizing import CONNECT_JVM, heap_for
from components.streaming.connect.configuration import SOURCE_CA_FILE
from components.streaming.connectors.batching import batching
from components.streaming.connectors.confluent_s3 import ConfluentS3SinkConnector
from components.streaming.connectors.converters import (
    AvroConverter,
    BytesConverter,
    Converter,
    JsonConverter,
)
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.errors import SinkErrors
from components.streaming.connectors.iceberg import IcebergSinkConnector, warehouse
from components.streaming.connectors.memory import Workers
from components.streaming.connectors.sink import SinkConnector
from components.workloads import Workload, service_host

TOPIC_PREFIX = "postgres"
"""Topics are named postgres.<schema>.<table>."""

SINK = "s3-sink-connector"
SINK_DEAD_LETTERS = "s3-sink-dlq"
CONTROL_TOPIC = "control-iceberg"


def topic_of(table: str) -> str:
    """The topic of a captured table, given as schema.table."""
    return f"{TOPIC_PREFIX}.{table}"


def source_connector(config: StackConfig) -> DebeziumPostgresConnector:
    """The connector that captures the stack's tables."""
    exactly_once = config.connect.exactly_once
    batches = batching(config.table_partitions)
    return DebeziumPostgresConnector(
        name="postgres-cdc-connector",
        hostname=service_host(Workload.POSTGRESQL, config.security.namespace),
        port=config.source.port,
        database=config.source.database,
        sslmode="verify-full",
        sslrootcert=SOURCE_CA_FILE,
        topic_prefix=TOPIC_PREFIX,
        tables=config.tables,
        slot=config.source.slot,
        publication=config.source.publication,
        drop_defaults=True,
        count_events=config.metrics.enabled,
        heartbeat_interval_ms=config.connect.heartbeat_interval_ms,
        key_converter=converter(config),
        value_converter=converter(config),
        exactly_once="required" if exactly_once else None,
        transaction_boundary="interval" if exactly_once else None,
        transaction_interval_ms=batches.transaction_interval_ms if exactly_once else None,
        transaction_timeout_ms=batches.transaction_timeout_ms if exactly_once else None,
        linger_ms=batches.linger_ms,
        batch_bytes=batches.batch_bytes,
    )


def sink_connector(config: StackConfig) -> SinkConnector:
    """The connector that archives the stack's tables.

    Raises ValueError where it does not fit the stack's topics, brokers or workers.
    """
    sink = _iceberg(config) if config.archive.sink == "iceberg" else _confluent_s3(config)
    workers = _workers(config)
    sink.require_partitions(workers.partitions)
    sink.require_brokers(config.kafka.brokers)
    if warning := workers.require_heap(sink):
        pulumi.log.warn(warning)
    return sink


def converter(config: StackConfig) -> Converter:
    """The stack's converter, for keys and values alike."""
    if config.connect.converter == "json":
        return JsonConverter()
    registry = service_host(Workload.REGISTRY, config.security.namespace)
    return AvroConverter(schema_registry_url=f"http://{registry}:{config.registry.port}")


def archive_table(database: str, table: str) -> str:
    """The archive's table of a captured one; the schema is part of its name unless it is public."""
    schema, _, name = table.partition(".")
    return f"{database}.{name}" if schema == "public" else f"{database}.{schema}_{name}"


def archived_tables(config: StackConfig) -> dict[str, str]:
    """Return where the sink archives each captured table.

    That is a table of the catalog (database.table) for Iceberg, and a folder below the bucket for
    the sink that writes files.
    """
    archive = config.archive
    if archive.sink == "iceberg":
        return {table: archive_table(archive.catalog_database, table) for table in config.tables}
    return {table: f"{archive.prefix}/{topic_of(table)}" for table in config.tables}


def _workers(config: StackConfig) -> Workers:
    return Workers(
        heap=heap_for(config.sizing.connect.memory_limit, CONNECT_JVM),
        count=config.connect.workers,
        brokers=config.kafka.brokers,
        tables=len(config.tables),
        partitions=config.table_partitions,
        sources=1 if config.source.isolation == "shared" else len(config.tables),
    )


def _iceberg(config: StackConfig) -> IcebergSinkConnector:
    return IcebergSinkConnector(
        name=SINK,
        tasks_max=config.archive.sink_tasks,
        routes={
            topic_of(table): archive_table(config.archive.catalog_database, table)
            for table in config.tables
        },
        control_topic=CONTROL_TOPIC,
        count_commits=config.images.resolve().iceberg_plugin is not None,
        commit_interval_ms=config.archive.rotate_interval_ms,
        warehouse=warehouse(config.archive.prefix),
        region=config.aws.region,
        endpoint=config.aws.endpoint,
        key_converter=BytesConverter(),  # it archives values; keys are but for partitioning
        value_converter=converter(config),
        errors=_dead_letters(config),
        count_events_of=TOPIC_PREFIX if config.metrics.enabled else None,
    )


def _confluent_s3(config: StackConfig) -> ConfluentS3SinkConnector:
    schemas = sorted({table.partition(".")[0] for table in config.tables})
    one_of = schemas[0] if len(schemas) == 1 else f"({'|'.join(schemas)})"
    return ConfluentS3SinkConnector(
        name=SINK,
        tasks_max=config.archive.sink_tasks,
        topics_regex=rf"{TOPIC_PREFIX}\.{one_of}\..*",
        topics_dir=config.archive.prefix,
        region=config.aws.region,
        endpoint=config.aws.endpoint,
        encryption=config.archive.encryption,
        kms_key=config.archive.kms_key_arn,
        flush_size=config.archive.flush_size,
        rotate_interval_ms=config.archive.rotate_interval_ms,
        key_converter=converter(config),
        value_converter=converter(config),
        errors=_dead_letters(config),
        count_events_of=TOPIC_PREFIX if config.metrics.enabled else None,
    )


def _dead_letters(config: StackConfig) -> SinkErrors:
    return SinkErrors(
        dead_letter_topic=SINK_DEAD_LETTERS,
        dead_letter_replication=config.kafka.replication_factor,
    )
