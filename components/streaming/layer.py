"""The streaming layer as one component."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_kafka

from components.archive.layer import Archive
from components.config import StackConfig
from components.config.load import contradiction
from components.config.metrics import MetricsSettings
from components.config.streaming import ConnectSettings, RegistrySettings
from components.images import ImageFamilyTable
from components.security.credentials import Credentials
from components.sizing import BROKER_JVM, CONNECT_JVM, Sizing, heap_for
from components.source.captured_source import CapturedSource
from components.streaming.access.accounts import Account
from components.streaming.access.acls import declare_acls
from components.streaming.access.grants import AccessArgs
from components.streaming.access.layer import Identity
from components.streaming.accounts import access_arguments
from components.streaming.connect.plugins import plugin_archives
from components.streaming.connect.worker import Worker, WorkerArgs
from components.streaming.connectors.debezium import (
    DebeziumPostgresConnector,
    require_distinct_slots,
)
from components.streaming.connectors.memory import Workers
from components.streaming.connectors.model import Connector
from components.streaming.connectors.resource import KafkaConnector
from components.streaming.connectors.sources import SourcesArgs, source_connectors
from components.streaming.kafka.brokers import Brokers, BrokersArgs
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.maintenance.job import Maintenance, MaintenanceArgs
from components.streaming.registry.configuration import DEVELOPER_USER
from components.streaming.registry.registry import Registry, RegistryArgs
from components.streaming.sinks.declared import Sinks
from components.streaming.topics import TopicsArgs, declare_topics, topics_for
from components.streaming.worker_objects import (
    captured_tables,
    password_variable,
    source_ca,
    user_variable,
)
from components.workloads import Workload
from kafka_connect.access import ServiceProxy
from kafka_connect.cluster_access import ClusterAccess
from kafka_connect.connector_state import State


@dataclass(frozen=True)
class StreamingArgs:
    """What the streaming layer is made of, and the layers at its two ends."""

    network: KafkaNetwork
    """the brokers' settings, and where they are found"""
    topics: TopicsArgs
    sources: Mapping[str, SourcesArgs]
    """by the database's name"""
    sinks: Sinks
    connect: ConnectSettings
    registry: RegistrySettings | None
    """None: no registry in the stack"""
    sizing: Sizing
    metrics: MetricsSettings
    images: ImageFamilyTable
    worker_mounts_token: bool
    """whether the workers get their service account's token for the Kubernetes API"""
    namespace: pulumi.Input[str]
    credentials: Credentials
    captured: pulumi.Resource
    """until it exists, the list of tables is not checked"""
    databases: Mapping[str, CapturedSource]
    """by name"""
    archive: Archive
    cluster: ClusterAccess
    """for reaching the worker's REST API"""
    maintenance: MaintenanceArgs | None
    """None: no pod of this stack maintains the archive"""
    identities: Mapping[Account, Identity]
    """of the brokers' accounts; none where connections are plaintext"""
    access: AccessArgs
    """what the accounts' rights follow from"""

    @classmethod
    def from_config(
        cls,
        config: StackConfig,
        sinks: Sinks,
        *,
        namespace: pulumi.Input[str],
        credentials: Credentials,
        captured: pulumi.Resource,
        identities: Mapping[Account, Identity],
        databases: Mapping[str, CapturedSource],
        archive: Archive,
    ) -> StreamingArgs:
        """Return the arguments for a stack.

        Raises ConfigError where its settings contradict a sink's connector.
        """
        try:
            topics = TopicsArgs.from_config(config, sinks)
            access = access_arguments(config, sinks, topics)
        except ValueError as error:
            raise contradiction(error) from None
        network = KafkaNetwork(
            config.kafka,
            config.cluster,
            config.security.namespace,
            config.security.credentials_version,
        )
        return cls(
            network=network,
            topics=topics,
            sources={
                database.name: replace(
                    SourcesArgs.from_config(config, database),
                    waits_for=_sink_to_wait_for(config, sinks),
                    brokers=network.worker_client,
                )
                for database in config.databases
            },
            sinks=sinks,
            connect=config.connect,
            registry=config.registry if config.needs_registry else None,
            sizing=config.sizing,
            metrics=config.metrics,
            images=config.images.resolve(),
            worker_mounts_token=config.security.connect_rbac == "design",
            namespace=namespace,
            credentials=credentials,
            captured=captured,
            databases=databases,
            archive=archive,
            cluster=ClusterAccess(context=config.cluster.context),
            identities=identities,
            access=access,
            maintenance=MaintenanceArgs.from_config(
                config, sinks.archive, namespace=namespace, databases=databases, archive=archive
            ),
        )


def _sink_to_wait_for(config: StackConfig, sinks: Sinks) -> str | None:
    """Return the archive's connector, for which sources wait while they read existing rows.

    None where it commits a row only after a later one has come: each would wait for the other.
    """
    by_record = config.archive.sink == "confluent-s3" and config.archive.rotation == "record-time"
    return None if by_record else sinks.archive.connector.name


class Streaming(pulumi.ComponentResource):
    """Kafka and Kafka Connect, and the connectors from the databases to the archive."""

    bootstrap_servers: str
    """of clients outside the cluster"""
    connectors: list[str]
    """their names on the worker"""
    source_connectors: dict[str, list[DebeziumPostgresConnector]]
    """those of each database, by its name"""
    maintenance: str | None
    """the name of the CronJob that maintains the archive; None: the stack has none"""

    def __init__(
        self, name: str, args: StreamingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Streaming", name, None, opts)
        sources = checked_connectors(args, self)
        identities = args.identities
        brokers = Brokers(
            "kafka",
            brokers_arguments(args, identities.get(Account.BROKERS)),
            pulumi.ResourceOptions(parent=self),
        )
        allowed = self._declare_acls(args, brokers.ready)
        on_brokers = pulumi.ResourceOptions(
            parent=self, depends_on=[*brokers.ready, *allowed, args.captured]
        )

        topics = self._declare_topics(args, identities.get(Account.TOPICS), on_brokers)
        registry = self._declare_registry(args, identities.get(Account.REGISTRY), on_brokers)
        worker = worker_arguments(args, identities.get(Account.CONNECT))
        # A worker that starts has read no schema yet: without its registry the sink would take
        # records for bad ones. One that runs has them in memory while the registry rolls.
        # After the topics, too: the engine writes the whole state for each of them, so the jars for
        # workers and maintenance are not in it yet.
        after_both = pulumi.ResourceOptions(depends_on=[*registry, *topics])
        workers = Worker(
            "kafka-connect", worker, pulumi.ResourceOptions.merge(on_brokers, after_both)
        )
        runtime = [*topics, *registry, *workers.ready]

        for source, connectors in sources.items():
            database, state = args.databases[source], args.sources[source].settings.state
            after = [*runtime, *database.ready]
            for connector in connectors:
                self._declare_connector(
                    args, connector, state, worker.variables, after, captured=database.captured
                )
        for sink in args.sinks:
            after = [*runtime, *args.archive.ready]
            self._declare_connector(args, sink.connector, sink.state, worker.variables, after)
        self.maintenance = None
        if args.maintenance is not None:
            self.maintenance = Workload.MAINTENANCE.value
            # Not after the sink: the tables of a stack that is repaired may need it first.
            on_archive = pulumi.ResourceOptions(
                parent=self, depends_on=[*args.archive.ready, *topics]
            )
            Maintenance(self.maintenance, args.maintenance, on_archive)
        self.bootstrap_servers = ",".join(args.network.external_bootstrap)
        self.source_connectors = sources
        declared: list[Connector] = [
            *(one for connectors in sources.values() for one in connectors),
            *(sink.connector for sink in args.sinks),
        ]
        self.connectors = [connector.name for connector in declared]
        self.register_outputs(
            {"bootstrapServers": self.bootstrap_servers, "connectors": self.connectors}
        )

    def _declare_acls(
        self, args: StreamingArgs, brokers: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Declare what each account may do; nothing where connections are plaintext."""
        identity = args.identities.get(Account.ACLS)
        if identity is None:
            return []
        child = pulumi.ResourceOptions(parent=self)
        provider = self._declare_provider("kafka-acls", args, identity, child)
        opts = pulumi.ResourceOptions(parent=self, provider=provider, depends_on=brokers)
        return declare_acls(args.access, args.network.credentials_version, opts)

    def _declare_provider(
        self,
        name: str,
        args: StreamingArgs,
        identity: Identity | None,
        opts: pulumi.ResourceOptions,
    ) -> pulumi_kafka.Provider:
        """Declare the way to the brokers from where Pulumi runs."""
        return pulumi_kafka.Provider(
            name,
            bootstrap_servers=args.network.external_bootstrap,
            tls_enabled=identity is not None,
            ca_cert=identity.authority if identity else None,
            client_cert=identity.certificate if identity else None,
            client_key=identity.private_key if identity else None,
            opts=opts,
        )

    def _declare_topics(
        self, args: StreamingArgs, identity: Identity | None, opts: pulumi.ResourceOptions
    ) -> list[pulumi_kafka.Topic]:
        # The topics wait for their provider, and only it for the rest: with these dependencies each
        # of 1,000 topics took a tenth more of the program's time and a fifth more of the state.
        provider = self._declare_provider("kafka", args, identity, opts)
        try:
            topics = topics_for(args.topics)
        except ValueError as error:
            raise contradiction(error) from None
        return declare_topics(topics, provider, pulumi.ResourceOptions(parent=self))

    def _declare_registry(
        self, args: StreamingArgs, identity: Identity | None, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """Declare the registry, where the stack's converter needs one."""
        if args.registry is None:
            return []
        registry = RegistryArgs(
            settings=args.registry,
            resources=args.sizing.registry,
            metrics=args.metrics,
            images=args.images,
            namespace=args.namespace,
            credentials=args.credentials,
            network=args.network,
            identity=identity,
        )
        return Registry("schema-registry", registry, opts).ready

    def _declare_connector(
        self,
        args: StreamingArgs,
        connector: Connector,
        state: State,
        environment: Collection[str],
        depends_on: list[pulumi.Resource],
        *,
        captured: pulumi.Input[dict[str, Any]] | None = None,
    ) -> None:
        KafkaConnector(
            connector.name,
            connector,
            ServiceProxy(
                args.namespace, Workload.CONNECT.value, args.connect.port, args.cluster.context
            ),
            state=state,
            environment=environment,
            start_timeout_seconds=args.connect.start_timeout_seconds,
            snapshot_timeout_seconds=args.connect.snapshot_timeout_seconds,
            captured=captured,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )


def checked_connectors(
    args: StreamingArgs, layer: pulumi.Resource
) -> dict[str, list[DebeziumPostgresConnector]]:
    """Return each database's source connectors, checked together and with the sinks'.

    Raises ConfigError where they contradict the stack's settings, or need a topic or memory
    that it does not have.
    """
    try:
        sources = {name: source_connectors(each) for name, each in args.sources.items()}
        every_source = [one for connectors in sources.values() for one in connectors]
        require_distinct_slots(every_source)
        row_size = args.topics.row_size
        workers = Workers(
            heap=heap_for(args.sizing.connect.memory_limit, CONNECT_JVM),
            count=args.connect.workers,
            brokers=args.network.settings.brokers,
            tables=sum(len(each.partitions) for each in args.sources.values()),
            partitions=sum(sum(each.partitions.values()) for each in args.sources.values()),
            sources=len(every_source),
            existing=sum(not database.managed for database in args.topics.databases),
            row_size=row_size,
        )
        row_size.require_brokers_heap(heap_for(args.sizing.broker.memory_limit, BROKER_JVM))
        if warning := args.sinks.require_fit(workers, args.network.settings.brokers):
            pulumi.log.warn(warning)
        for remark in args.sinks.remarks(workers):
            log = pulumi.log.warn if remark.level == "warning" else pulumi.log.info
            log(remark.text, layer)
        topics = {topic.name for topic in topics_for(args.topics)}
        for connector in (*every_source, *args.sinks.connectors.values()):
            connector.require_topics(topics)
    except ValueError as error:
        raise contradiction(error) from None
    return sources


def brokers_arguments(args: StreamingArgs, identity: Identity | None = None) -> BrokersArgs:
    """Return the brokers' part of the layer's arguments."""
    return BrokersArgs(
        network=args.network,
        resources=args.sizing.broker,
        storage=args.sizing.storage_per_broker(args.network.settings.brokers),
        metrics=args.metrics,
        images=args.images,
        namespace=args.namespace,
        identity=identity,
    )


def worker_arguments(args: StreamingArgs, identity: Identity | None = None) -> WorkerArgs:
    """Return the workers' part, with the environment that the connectors' ${env:NAME} refer to."""
    environment: dict[str, pulumi.Input[str]] = {}
    secrets: dict[str, pulumi.Input[str]] = {}
    for database in args.topics.databases:
        source = args.databases[database.name]
        # The name is not secret, but belongs to the password: a worker that restarts during a
        # rotation must not mix two accounts.
        secrets[user_variable(database)] = source.capture_user
        secrets[password_variable(database)] = source.capture_password
    for sink in args.sinks:
        environment |= sink.environment(args.archive)
        secrets |= sink.secrets(args.archive)
    if args.registry is not None:
        environment["SCHEMA_AUTH_USER"] = DEVELOPER_USER
        secrets["SCHEMA_AUTH_PASS"] = args.credentials.registry_developer
    return WorkerArgs(
        settings=args.connect,
        resources=args.sizing.connect,
        metrics=args.metrics,
        images=args.images,
        namespace=args.namespace,
        nodes=args.network.cluster.nodes,
        mounts_token=args.worker_mounts_token,
        bootstrap=args.network.bootstrap,
        replication_factor=args.network.settings.replication_factor,
        row_size=args.topics.row_size,
        databases=args.topics.databases,
        lag_of=args.sinks.archive.connector.name,
        authorities={
            source_ca(one): args.databases[one.name].ca_certificate for one in args.topics.databases
        },
        captured_tables_queries={
            captured_tables(one): args.databases[one.name].captured_tables_query
            for one in args.topics.databases
        },
        role_arn=args.archive.role_arn,
        plugins=plugin_archives(
            args.connect,
            args.images,
            {sink.connector.name: sink.hub_plugin() for sink in args.sinks},
        ),
        sink_jars={path: jar for sink in args.sinks for path, jar in sink.jars().items()},
        environment=environment,
        secrets=secrets,
        transport=args.network.transport,
        identity=identity,
    )
