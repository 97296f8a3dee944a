"""On real brokers with TLS: each account may do what it needs, and nothing else.

The brokers are plain processes with the rendered settings, the clients librdkafka's with the
accounts' certificates, and the ACLs those that the program declares.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from components.config import StackConfig
from components.streaming.access.accounts import Account
from components.streaming.access.acls import operations
from components.streaming.accounts import access_arguments
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topics import TopicsArgs
from polling import poll_until
from provider_plugins.kafka.acl import Acl
from provider_plugins.kafka.admin import Admin
from provider_plugins.kafka.provider import Kafka
from tests.unit.kafka_brokers import Authority, BrokerProcesses, free_node_ports, login
from tests.unit.streaming_stack import sandbox

pytestmark = [pytest.mark.jdk, pytest.mark.images]

SECONDS = 20
# A client that is let in needs a tenth of it.
REFUSAL_SECONDS = 3
USERS, DLQ, CONTROL = "postgres.public.users", "s3-sink-dlq", "control-iceberg"
SINK_GROUP, STRANGER = "connect-s3-sink-connector", "no-topic-of-ours"
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
# What a client sees of a topic that it may not describe.
HIDDEN = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._NOENT, KafkaError._UNKNOWN_PARTITION}


class Site:
    """The brokers, and clients of any account."""

    def __init__(self, brokers: BrokerProcesses) -> None:
        self.brokers, self.authority = brokers, brokers.authority
        self._logins: dict[str, dict[str, str]] = {}
        self._admins: dict[str, AdminClient] = {}

    def client(self, common_name: str, **settings: Any) -> dict[str, Any]:
        """Return the settings of a client with a certificate of the stack's authority."""
        if common_name not in self._logins:
            certificate = self.authority.issue(common_name)
            self._logins[common_name] = login(self.authority.pair, certificate)
        given = {name.replace("_", "."): value for name, value in settings.items()}
        quiet = {"bootstrap.servers": self.brokers.bootstrap, "log_level": 0}
        return {**quiet, **self._logins[common_name], **given}

    def admin(self, common_name: str) -> AdminClient:
        # Kept: one that is destroyed answers nothing.
        if common_name not in self._admins:
            self._admins[common_name] = AdminClient(self.client(common_name))
        return self._admins[common_name]

    def allow(self, version: int) -> None:
        """Create the ACLs that the program declares, as the sandbox's plugin does."""
        admin = plugin(self, Account.ACLS.common_name(version))
        for acl in declared(self.brokers.config, version):
            admin.allow(acl)


def declared(config: StackConfig, version: int) -> list[Acl]:
    sinks = declared_sinks(config)
    args = access_arguments(config, sinks, TopicsArgs.from_config(config, sinks))
    return [
        Acl(
            grant.account.principal(version),
            "*",
            operation,
            "Allow",
            grant.kind,
            grant.name,
            grant.pattern,
        )
        for grant, operation in operations(args)
    ]


def plugin(site: Site, common_name: str) -> Admin:
    """Return the sandbox's plugin, logged in as an account."""
    settings = site.client(common_name)
    provider = Kafka()
    provider.configure(
        {
            "bootstrapServers": site.brokers.network.external_bootstrap,
            "tlsEnabled": True,
            "caCert": settings["ssl.ca.pem"],
            "clientCert": settings["ssl.certificate.pem"],
            "clientKey": settings["ssl.key.pem"],
        }
    )
    return provider.admin


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three brokers with all ACLs and topics."""
    first = free_node_ports(3)
    cluster = {"externalHost": "127.0.0.1", "nodePorts": {"firstBroker": first}}
    config = sandbox(kafka={"security": "tls"}, cluster=cluster)
    brokers = BrokerProcesses(tmp_path_factory.mktemp("brokers"), config, Authority())
    try:
        brokers.start()
        site = Site(brokers)
        site.allow(1)
        topics = [NewTopic(name, 1, 3) for name in (USERS, DLQ, CONTROL)]
        for future in site.admin(Account.TOPICS).create_topics(topics).values():
            future.result(SECONDS)
        # The first question for a group creates the topic of the offsets.
        poll_until(
            lambda: may(site, committed, Account.BROKERS, "first"),
            timeout=60,
            interval=0.5,
            description="the groups' coordinator",
            retry_on=(KafkaException, TimeoutError),
        )
        # Made by their users in a stack.
        own = [NewTopic(STRANGER, 1, 3), NewTopic("connect-configs", 1, 3)]
        for future in site.admin(Account.ACLS).create_topics(own).values():
            future.result(SECONDS)
        yield site
    finally:
        brokers.stop()


def create_topic(site: Site, account: str, name: str) -> None:
    for future in site.admin(account).create_topics([NewTopic(name, 1, 3)]).values():
        future.result(SECONDS)


def delete_topic(site: Site, account: str, name: str) -> None:
    for future in site.admin(account).delete_topics([name]).values():
        future.result(SECONDS)


def add_partition(site: Site, account: str, name: str) -> None:
    grown = NewPartitions(name, 2)
    for future in site.admin(account).create_partitions([grown], validate_only=True).values():
        future.result(SECONDS)


def describe_settings(site: Site, account: str, name: str) -> None:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    for future in site.admin(account).describe_configs([resource]).values():
        future.result(SECONDS)


def delete_records(site: Site, account: str, name: str) -> None:
    to_the_end = [TopicPartition(name, 0, -1)]
    for future in site.admin(account).delete_records(to_the_end).values():
        future.result(SECONDS)


def write(site: Site, account: str, name: str) -> None:
    results: list[KafkaError | None] = []
    producer = Producer(site.client(account, message_timeout_ms=SECONDS * 1000))
    producer.produce(name, b"x", callback=lambda error, _: results.append(error))
    assert producer.flush(SECONDS) == 0
    (error,) = results
    if error is not None:
        raise KafkaException(error)


def read(site: Site, account: str, name: str) -> None:
    """Read without a group's offsets; whether the group may be used is not asked."""
    settings = site.client(account, group_id="unused", enable_partition_eof=True)
    consumer = Consumer(settings)
    # Without it, one who may not even see the topic gets no answer.
    consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=SECONDS)
    consumer.assign([TopicPartition(name, 0, 0)])
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        error = message.error() if message else None
        if message and (error is None or error.code() == KafkaError._PARTITION_EOF):
            return
        if error is not None and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise KafkaException(error)
    raise AssertionError(f"{account} got no answer from {name}")


def committed(site: Site, account: str, group: str) -> None:
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(USERS, 0)])
    for future in site.admin(account).list_consumer_group_offsets([asked]).values():
        future.result(SECONDS)


def commit(site: Site, account: str, group: str) -> None:
    given = ConsumerGroupTopicPartitions(group, [TopicPartition(USERS, 0, 0)])
    for future in site.admin(account).alter_consumer_group_offsets([given]).values():
        for partition in future.result(SECONDS).topic_partitions:
            if partition.error is not None:
                raise KafkaException(partition.error)


def transact(site: Site, account: str, identifier: str) -> None:
    settings = site.client(account, transactional_id=identifier)
    Producer(settings).init_transactions(SECONDS)


def allow_everything(site: Site, account: str, _name: str) -> None:
    binding = AclBinding(
        ResourceType.TOPIC,
        "postgres.",
        ResourcePatternType.PREFIXED,
        f"User:visitor-{uuid.uuid4().hex[:8]}",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    for future in site.admin(account).create_acls([binding]).values():
        future.result(SECONDS)


Operation = Callable[[Site, str, str], None]
CONNECT, TOPICS, CLIENTS = Account.CONNECT, Account.TOPICS, Account.CLIENTS
EVERYONE = (CONNECT, TOPICS, CLIENTS, Account.REGISTRY)
# What is done to what, and who may; all others are refused.
MATRIX: list[tuple[Operation, str, set[Account]]] = [
    (write, USERS, {CONNECT, CLIENTS}),
    (read, USERS, {CONNECT, CLIENTS}),
    (describe_settings, USERS, {CONNECT, TOPICS}),
    (add_partition, USERS, {TOPICS}),
    (create_topic, "postgres.public.{}", {TOPICS}),
    (create_topic, "stranger-{}", set()),
    (delete_topic, STRANGER, set()),
    (write, STRANGER, set()),
    (read, STRANGER, set()),
    (write, DLQ, {CONNECT}),
    (read, DLQ, {CONNECT, CLIENTS}),
    (delete_records, DLQ, {TOPICS, CLIENTS}),
    (write, CONTROL, {CONNECT}),
    (read, CONTROL, {CONNECT}),
    (write, "connect-configs", {CONNECT}),
    (read, "connect-configs", {CONNECT}),
    (describe_settings, "connect-configs", {CONNECT}),
    (delete_records, "connect-configs", set()),
    (committed, SINK_GROUP, {CONNECT, CLIENTS}),
    (commit, SINK_GROUP, {CONNECT}),
    (commit, "datapipe-dlq-replay", {CLIENTS}),
    (commit, "cg-control-{}", {CONNECT}),
    (commit, "connect-cluster", {CONNECT}),
    (commit, "stranger", set()),
    (transact, "connect-cluster-connect-cluster", {CONNECT}),
    (transact, "connect-cluster-postgres-cdc-connector-0", {CONNECT}),
    (transact, "coordinator-{}", {CONNECT}),
    (transact, "datapipe-dlq-replay", {CLIENTS}),
    (transact, "stranger", set()),
    (allow_everything, "", set()),
]


@pytest.mark.parametrize(
    ("operation", "name", "allowed"), MATRIX, ids=lambda value: getattr(value, "__name__", None)
)
def test_accounts_may_do_what_they_need_and_nothing_else(
    site: Site, operation: Operation, name: str, allowed: set[Account]
) -> None:
    unique = name.format(uuid.uuid4().hex[:8])
    assert {account for account in EVERYONE if may(site, operation, account, unique)} == allowed


def may(site: Site, operation: Operation, account: str, name: str) -> bool:
    """Return whether an account is let; any failure but a denial fails the test."""
    try:
        operation(site, account, name)
    except KafkaException as error:
        if error.args[0].code() in DENIED:
            return False
        if error.args[0].code() in HIDDEN:
            return False
        raise
    return True


def test_the_super_users_are_the_brokers_and_who_changes_acls(site: Site) -> None:
    for account in (Account.BROKERS, Account.ACLS):
        assert may(site, allow_everything, account, "")


def test_an_account_without_acls_sees_nothing(site: Site) -> None:
    assert site.admin("stranger").list_topics(timeout=SECONDS).topics == {}
    assert not may(site, write, "stranger", USERS)


def refused(site: Site, given: dict[str, str], seconds: float = REFUSAL_SECONDS) -> bool:
    """Return whether no broker lets a client in."""
    settings: dict[str, Any] = {"bootstrap.servers": site.brokers.bootstrap, "log_level": 0}
    try:
        AdminClient({**settings, **given}).list_topics(timeout=seconds)
    except KafkaException:
        return True
    return False


def test_a_certificate_that_has_ended_is_refused(site: Site) -> None:
    ours = site.authority.pair
    assert not refused(site, login(ours, site.authority.issue("clients")), SECONDS)
    assert refused(site, login(ours, site.authority.issue("clients", days=0)))


def test_a_certificate_of_another_authority_is_refused(site: Site) -> None:
    assert refused(site, login(site.authority.pair, Authority().issue("clients")))


def test_a_client_without_a_certificate_is_refused(site: Site) -> None:
    ours = site.authority.pair.certificate
    assert refused(site, {"security.protocol": "SSL", "ssl.ca.pem": ours})


def test_plaintext_is_refused_at_every_listener(site: Site) -> None:
    network = site.brokers.network
    for port in (network.settings.port, network.settings.controller_port):
        assert refused(site, {"bootstrap.servers": f"127.0.1.1:{port}"})
    assert refused(site, {})


def test_a_client_refuses_a_broker_that_it_can_not_verify(site: Site) -> None:
    certificate = site.authority.issue("clients")
    assert refused(site, login(Authority().pair, certificate))
    # The internal listener's names are not those of a loopback address.
    internal = f"127.0.1.1:{site.brokers.network.settings.port}"
    assert refused(site, {**login(site.authority.pair, certificate), "bootstrap.servers": internal})


def test_the_plugin_creates_reads_and_deletes_acls(site: Site) -> None:
    admin = plugin(site, Account.ACLS)
    acl = Acl("User:visitor", "*", "DescribeConfigs", "Allow", "Topic", USERS, "Literal")

    def wait(condition: Callable[[], bool], description: str) -> None:
        """Wait for a broker to learn of a change from the controller."""
        poll_until(condition, timeout=SECONDS, interval=0.1, description=description)

    assert not admin.has_acl(acl)
    admin.allow(acl)
    wait(lambda: admin.has_acl(acl), "the ACL")
    wait(lambda: may(site, describe_settings, "visitor", USERS), "the visitor to be let")
    admin.revoke(acl)
    wait(lambda: not admin.has_acl(acl), "the ACL to be gone")
    admin.revoke(acl)


def test_a_rotation_rolls_without_a_lost_record_and_revokes_the_old_accounts(site: Site) -> None:
    """The order of an update: brokers, rights of the new accounts, clients, old rights."""
    brokers = site.brokers
    sent = Load(site)
    brokers.version = 2
    for ordinal in brokers.ordinals:
        brokers.restart(ordinal)
        sent.some()
    site.allow(2)
    admin = plugin(site, Account.ACLS.common_name(2))
    for acl in declared(brokers.config, 1):
        admin.revoke(acl)
    assert sent.lost() == []
    for account in EVERYONE:
        assert not may(site, write, account.common_name(1), USERS)
    assert may(site, write, CONNECT.common_name(2), USERS)


class Load:
    """Records that a producer of the old version writes during a rotation."""

    def __init__(self, site: Site) -> None:
        self.failures: list[KafkaError] = []
        self._producer = Producer(site.client(CONNECT, acks="all", enable_idempotence=True))

    def some(self) -> None:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            self._producer.produce(USERS, b"row", callback=self._done)
            self._producer.poll(0.001)

    def lost(self) -> list[KafkaError]:
        assert self._producer.flush(SECONDS) == 0
        return self.failures

    def _done(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self.failures.append(error)
