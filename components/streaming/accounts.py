"""What the brokers' accounts and their rights follow from in a stack."""

from components.config import StackConfig
from components.streaming.access.accounts import Account
from components.streaming.access.grants import AccessArgs
from components.streaming.access.layer import Certificates, CertificatesArgs
from components.streaming.access.transport import Transport
from components.streaming.connectors.sources import connector_name
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.registry.configuration import registry_hosts
from components.streaming.sinks.declared import Sinks
from components.streaming.topics import TopicsArgs, topics_for


def declare_certificates(config: StackConfig) -> Certificates | None:
    """Declare the certificates of a stack's accounts; None where connections are plaintext."""
    if not Transport.from_config(config).encrypted:
        return None
    return Certificates("kafka-certificates", certificates_arguments(config))


def certificates_arguments(config: StackConfig) -> CertificatesArgs:
    """Return the accounts of a stack, with the names of those that are servers."""
    network = KafkaNetwork(config.kafka, config.cluster, config.security.namespace)
    servers = {Account.BROKERS: network.server_names}
    if config.needs_registry:
        servers[Account.REGISTRY] = registry_hosts(network)
    absent = set() if config.needs_registry else {Account.REGISTRY}
    return CertificatesArgs(
        hosts={one: servers.get(one, ()) for one in Account if one not in absent},
        days=config.security.certificate_days,
        version=config.security.credentials_version,
        protect=config.kafka.protect,
    )


def access_arguments(config: StackConfig, sinks: Sinks, topics: TopicsArgs) -> AccessArgs:
    """Return what the rights of the accounts follow from.

    Raises ValueError where Kafka would take two of the topics for the same.
    """
    return AccessArgs(
        connect=config.connect,
        registry=config.registry if config.needs_registry else None,
        names=topics.names,
        topics=[topic.name for topic in topics_for(topics)],
        sources=[connector_name(database.topic_prefix) for database in config.databases],
        sinks=[sink.access() for sink in sinks],
    )
