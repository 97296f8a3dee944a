"""A whole stack with its four layers, as the program declares it, for the streaming tests."""

from typing import Any

import pulumi

from components.archive.layer import Archive, ArchiveArgs
from components.config import StackConfig, parse
from components.config.tables import SAMPLE_TABLES
from components.row_size import RowSize
from components.security.arguments import SecurityArgs
from components.security.layer import Security
from components.sizing import CONNECT_JVM, heap_for
from components.source.declared import declare_sources
from components.streaming import topics
from components.streaming.access.accounts import Account
from components.streaming.accounts import declare_certificates
from components.streaming.captured_tables import CapturedTables, CapturedTablesArgs
from components.streaming.connectors import sources
from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.memory import Workers
from components.streaming.connectors.sink import SinkConnector
from components.streaming.connectors.sources import SourcesArgs, shared_connector
from components.streaming.layer import Streaming, StreamingArgs
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topics import Topic, TopicsArgs
from tests.unit.deployment import Deployment, deploy

# The sections in which the sandbox differs from the design.
SANDBOX: dict[str, Any] = {
    "images": {"family": "apache"},
    "connect": {"converter": "json", "plugins": "image"},
    "archive": {"sink": "iceberg", "tasks": 2},
    "aws": {"endpoint": "http://10.231.0.1:5566"},
}

# Images with Iceberg's sink.
OWN_ICEBERG = {"icebergPlugin": "/usr/share/java/iceberg"}


def design(**sections: Any) -> StackConfig:
    """Return the design's stack, with some sections changed."""
    archive = {"bucket": "datapipe-ingestion-test", **sections.pop("archive", {})}
    required = {"tables": SAMPLE_TABLES, "archive": archive}
    return parse({**required, **sections}, "Pulumi.test.yaml")


def sandbox(**sections: Any) -> StackConfig:
    """Return the sandbox's stack, with some sections changed."""
    changed = {name: {**SANDBOX.get(name, {}), **section} for name, section in sections.items()}
    return design(**{**SANDBOX, **changed})


def topics_args(config: StackConfig) -> TopicsArgs:
    """Return what a stack's topics follow from."""
    return TopicsArgs.from_config(config, declared_sinks(config))


def sources_args(config: StackConfig) -> SourcesArgs:
    """Return what the source connectors of a stack's first database are made of."""
    return SourcesArgs.from_config(config, config.databases[0])


def topics_for(config: StackConfig) -> list[Topic]:
    """Return every topic that a stack declares."""
    return topics.topics_for(topics_args(config))


def source_connectors(config: StackConfig) -> list[DebeziumPostgresConnector]:
    """Return the source connectors of all databases of a stack."""
    return [
        connector
        for database in config.databases
        for connector in sources.source_connectors(SourcesArgs.from_config(config, database))
    ]


def source_connector(config: StackConfig) -> DebeziumPostgresConnector:
    """Return the connector that captures all tables of a stack's first database."""
    return shared_connector(sources_args(config))


def sink_connector(config: StackConfig) -> SinkConnector:
    """Return the connector of a stack's archive. Raises ValueError if it does not fit."""
    sinks = declared_sinks(config)
    row_size = RowSize(config.kafka.max_row_size)
    workers = Workers(
        heap=heap_for(config.sizing.connect.memory_limit, CONNECT_JVM),
        count=config.connect.workers,
        brokers=config.kafka.brokers,
        tables=sum(len(one.tables) for one in config.databases),
        partitions=sum(sum(one.partitions.values()) for one in config.databases),
        sources=len(source_connectors(config)),
        existing=sum(not one.managed for one in config.databases),
        row_size=row_size,
    )
    sinks.require_fit(workers, config.kafka.brokers)
    return sinks.archive.connector


def declare_streaming(config: StackConfig) -> Streaming:
    """Declare every layer; returns the streaming one."""
    sinks = declared_sinks(config)
    certificates = declare_certificates(config)
    identities = certificates.identities if certificates else {}
    captured = CapturedTables(
        "captured-tables",
        CapturedTablesArgs.from_config(config, sinks, identities.get(Account.CLIENTS)),
    )
    security = Security("security", SecurityArgs.from_config(config, sinks.flows))
    databases = declare_sources(config, security, captured, pulumi.ResourceOptions())
    archive = Archive("archive", ArchiveArgs.from_config(config, sinks.needs, security.namespace))
    return Streaming(
        "streaming",
        StreamingArgs.from_config(
            config,
            sinks,
            namespace=security.namespace,
            credentials=security.credentials,
            captured=captured,
            identities=identities,
            databases=databases,
            archive=archive,
        ),
    )


def deploy_stack(config: StackConfig) -> Deployment:
    """Return everything that a stack registers, and the streaming layer's outputs."""

    def program() -> dict[str, pulumi.Input[Any]]:
        streaming = declare_streaming(config)
        return {
            "bootstrapServers": streaming.bootstrap_servers,
            "connectors": streaming.connectors,
        }

    return deploy(program)
