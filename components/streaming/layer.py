"""The streaming layer as one component."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kafka

from components.archive import Archive
from components.config import StackConfig
from components.images import ImageFamilyTable
from components.security import Credentials
from components.source import Source
from components.streaming.connect.worker import Worker, WorkerArgs
from components.streaming.connectors.isolation import source_connectors
from components.streaming.connectors.model import Connector
from components.streaming.connectors.pipeline import sink_connector
from components.streaming.connectors.resource import KafkaConnector
from components.streaming.kafka.brokers import Brokers, BrokersArgs
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.registry.configuration import DEVELOPER_USER
from components.streaming.registry.registry import Registry, RegistryArgs
from components.streaming.topics import declare_topics, topics_for
from components.workloads import Workload
from kafka_connect.access import ServiceProxy
from kafka_connect.cluster_access import ClusterAccess
from kafka_connect.connector_state import State


@dataclass(frozen=True)
class StreamingArgs:
    """What the streaming layer is made of, and the layers at its two ends."""

    config: StackConfig
    images: ImageFamilyTable
    namespace: pulumi.Input[str]
    credentials: Credentials
    source: Source
    archive: Archive
    cluster: ClusterAccess
    """for reaching the worker's REST API"""

    @property
    def network(self) -> KafkaNetwork:
        """Where the brokers are found."""
        return KafkaNetwork(self.config.kafka, self.config.cluster, self.config.security.namespace)


class Streaming(pulumi.ComponentResource):
    """Kafka and Kafka Connect, and the connectors from the source to the archive."""

    bootstrap_servers: str
    """of clients outside the cluster"""
    connectors: list[str]
    """their names on the worker"""

    def __init__(
        self, name: str, args: StreamingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Streaming", name, None, opts)
        brokers_args = BrokersArgs(args.config, args.images, args.namespace, args.network)
        brokers = Brokers("kafka", brokers_args, pulumi.ResourceOptions(parent=self))
        on_brokers = pulumi.ResourceOptions(parent=self, depends_on=brokers.ready)

        topics = self._declare_topics(args, on_brokers)
        registry = self._declare_registry(args, on_brokers)
        worker = worker_arguments(args)
        # A worker that starts has read no schema yet: without its registry the sink would take
        # records for bad ones. One that runs has them in memory while the registry rolls.
        after_registry = pulumi.ResourceOptions(depends_on=registry)
        workers = Worker(
            "kafka-connect", worker, pulumi.ResourceOptions.merge(on_brokers, after_registry)
        )
        runtime = [*topics, *registry, *workers.ready]

        sources, sink = _connectors(args.config)
        for source in sources:
            after = [*runtime, *args.source.ready]
            self._declare_connector(args, source, args.config.source.state, worker.variables, after)
        after = [*runtime, *args.archive.ready]
        self._declare_connector(args, sink, args.config.archive.state, worker.variables, after)
        self.bootstrap_servers = ",".join(args.network.external_bootstrap)
        self.connectors = [connector.name for connector in (*sources, sink)]
        self.register_outputs(
            {"bootstrapServers": self.bootstrap_servers, "connectors": self.connectors}
        )

    def _declare_topics(
        self, args: StreamingArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi_kafka.Topic]:
        provider = pulumi_kafka.Provider(
            "kafka",
            bootstrap_servers=args.network.external_bootstrap,
            tls_enabled=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        try:
            return declare_topics(args.config, provider, opts)
        except ValueError as error:
            raise pulumi.RunError(str(error)) from None

    def _declare_registry(
        self, args: StreamingArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """The registry, where the stack's converter needs one."""
        if not args.config.needs_registry:
            return []
        registry = RegistryArgs(
            args.config, args.images, args.namespace, args.credentials, args.network
        )
        return Registry("schema-registry", registry, opts).ready

    def _declare_connector(
        self,
        args: StreamingArgs,
        connector: Connector,
        state: State,
        environment: Collection[str],
        depends_on: list[pulumi.Resource],
    ) -> None:
        KafkaConnector(
            connector.name,
            connector,
            ServiceProxy(
                args.namespace,
                Workload.CONNECT.value,
                args.config.connect.port,
                args.cluster.context,
            ),
            state=state,
            environment=environment,
            start_timeout_seconds=args.config.connect.start_timeout_seconds,
            snapshot_timeout_seconds=args.config.connect.snapshot_timeout_seconds,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )


def _connectors(config: StackConfig) -> tuple[Sequence[Connector], Connector]:
    """The sources and the sink.

    Raises pulumi.RunError where the stack's settings contradict them, or lack a topic of theirs.
    """
    try:
        sources, sink = source_connectors(config), sink_connector(config)
        topics = {topic.name for topic in topics_for(config)}
        for connector in (*sources, sink):
            connector.require_topics(topics)
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None
    return sources, sink


def worker_arguments(args: StreamingArgs) -> WorkerArgs:
    """The workers, with the environment that the connectors' ${env:NAME} refer to."""
    settings: dict[str, pulumi.Input[str]] = {
        "S3_BUCKET_NAME": args.archive.bucket,
        "AWS_REGION": args.config.aws.region,
    }
    secrets: dict[str, pulumi.Input[str]] = {
        # no secret, but together: a worker that restarts amid a rotation must not mix two accounts
        "DBZ_DB_USERNAME": args.source.capture_user,
        "DBZ_DB_PASSWORD": args.credentials.debezium,
    }
    if args.config.needs_registry:
        settings["SCHEMA_AUTH_USER"] = DEVELOPER_USER
        secrets["SCHEMA_AUTH_PASS"] = args.credentials.registry_developer
    if args.archive.access_key_id and args.archive.secret_access_key:
        secrets["AWS_ACCESS_KEY_ID"] = args.archive.access_key_id
        secrets["AWS_SECRET_ACCESS_KEY"] = args.archive.secret_access_key
    return WorkerArgs(
        config=args.config,
        images=args.images,
        namespace=args.namespace,
        bootstrap=args.network.bootstrap,
        source_ca=args.source.ca_certificate,
        role_arn=args.archive.role_arn,
        settings=settings,
        secrets=secrets,
    )
