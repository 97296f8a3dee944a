"""What the kafka plugin asks of the client library, and the changes from one topic to another."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclOperation,
    ResourceType,
)

from provider_plugins.kafka.acl import KIND_CODES, OPERATIONS, Acl, code
from provider_plugins.kafka.admin import Admin, KafkaError
from provider_plugins.kafka.provider import ACL, TOPIC, Kafka
from provider_plugins.kafka.settings import client_settings
from provider_plugins.kafka.topic import Topic, config_changes
from provider_plugins.provider import InvalidInputsError, Naming, ProviderError, Resource
from provider_plugins.wire import UNKNOWN, Properties

IT = Resource(f"urn:pulumi:dev::project::{TOPIC}::orders")
INPUTS: Properties = {"name": "orders", "partitions": 3, "replicationFactor": 1}


@pytest.fixture
def kafka() -> Kafka:
    """A provider for brokers that are not there."""
    provider = Kafka()
    provider.configure({"bootstrapServers": ["127.0.0.1:1"], "tlsEnabled": False})
    return provider


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"tlsEnabled": False}, {"security.protocol": "PLAINTEXT"}),
        ({"tlsEnabled": "false"}, {"security.protocol": "PLAINTEXT"}),
        ({}, {"security.protocol": "SSL"}),
        ({"caCert": "PEM"}, {"ssl.ca.pem": "PEM"}),
        ({"skipTlsVerify": True}, {"enable.ssl.certificate.verification": False}),
        (
            {"tlsEnabled": False, "saslUsername": "u", "saslPassword": "p"},
            {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "u",
                "sasl.password": "p",
            },
        ),
        (
            {"saslUsername": "u", "saslMechanism": "scram-sha512"},
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"},
        ),
    ],
)
def test_the_clients_settings(configuration: Properties, expected: dict[str, Any]) -> None:
    settings = client_settings({"bootstrapServers": ["a:1", "b:2"], **configuration})
    assert settings["bootstrap.servers"] == "a:1,b:2"
    assert settings.items() >= expected.items()


def test_certificates_are_not_passed_to_a_client_without_tls() -> None:
    settings = client_settings({"bootstrapServers": ["a:1"], "tlsEnabled": False, "caCert": "PEM"})
    assert "ssl.ca.pem" not in settings


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({}, "bootstrapServers"),
        ({"bootstrapServers": []}, "bootstrapServers"),
        (
            {"bootstrapServers": ["a:1"], "saslUsername": "u", "saslMechanism": "aws-iam"},
            "saslMechanism",
        ),
    ],
)
def test_a_configuration_that_cannot_work_names_the_key(
    configuration: Properties, words: str
) -> None:
    with pytest.raises(ProviderError, match=words):
        client_settings(configuration)


def test_settings_are_written_as_kafka_writes_them(kafka: Kafka) -> None:
    config = {"cleanup.policy": "compact", "retention.ms": -1, "preallocate": True, "x": UNKNOWN}
    checked = kafka.check(IT, {}, {**INPUTS, "config": config}, Naming())
    assert checked["config"] == {
        "cleanup.policy": "compact",
        "retention.ms": "-1",
        "preallocate": "true",
        "x": UNKNOWN,
    }


def test_a_topic_survives_its_properties() -> None:
    topic = Topic("orders", 3, 2, {"retention.ms": "-1"})
    assert Topic.parse(topic.properties()) == topic
    assert "config" not in Topic("orders", 3, 2).properties()


def test_only_changed_settings_are_sent_and_dropped_ones_given_back() -> None:
    old = {"kept": "1", "changed": "1", "dropped": "1"}
    new = {"kept": "1", "changed": "2", "added": "3"}
    assert config_changes(old, new) == {"changed": "2", "added": "3", "dropped": None}


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"replicationFactor": 1}, "partitions: is required"),
        ({"partitions": 1}, "replicationFactor: is required"),
        ({"partitions": 0, "replicationFactor": 1}, "partitions: is 0"),
        ({"partitions": 1, "replicationFactor": -1}, "replicationFactor: is -1"),
    ],
)
def test_bad_numbers_are_refused(kafka: Kafka, inputs: Properties, problem: str) -> None:
    with pytest.raises(InvalidInputsError, match=problem):
        kafka.check(IT, {}, inputs, Naming())


def test_a_topic_without_a_name_gets_one_and_keeps_it(kafka: Kafka) -> None:
    unnamed = {"partitions": 1, "replicationFactor": 1}
    first = kafka.check(IT, {}, unnamed, Naming(seed=b"1"))
    assert first["name"].startswith("orders-")
    assert kafka.check(IT, first, unnamed, Naming(seed=b"2")) == first


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        ({"partitions": 6}, False),
        ({"partitions": 1}, True),
        ({"partitions": UNKNOWN}, False),
        ({"name": "other"}, True),
        ({"config": {"retention.ms": "1"}}, False),
    ],
)
def test_only_fewer_partitions_and_another_name_replace(
    kafka: Kafka, change: Properties, replaced: bool
) -> None:
    new = {**INPUTS, **change}
    changes = kafka.changes(IT, INPUTS, new)
    paths = kafka.replacement(IT, INPUTS, new, changes).paths
    assert bool(paths & changes.keys()) is replaced


def test_a_topic_that_keeps_its_name_must_go_before_its_replacement(kafka: Kafka) -> None:
    fewer = {**INPUTS, "partitions": 1}
    assert kafka.replacement(IT, INPUTS, fewer, {"partitions": "update"}).delete_first
    renamed = {**INPUTS, "name": "other"}
    assert not kafka.replacement(IT, INPUTS, renamed, {"name": "update"}).delete_first


def test_another_replication_factor_is_refused_with_a_way_out(kafka: Kafka) -> None:
    new = {**INPUTS, "replicationFactor": 3}
    with pytest.raises(ProviderError, match="kafka-reassign-partitions"):
        kafka.replacement(IT, INPUTS, new, {"replicationFactor": "update"})


def test_a_preview_without_brokers_passes_and_says_so_once(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(kafka.engine, "info", lambda urn, message: said.append(message))
    assert kafka.preview_create(IT, INPUTS) == INPUTS
    assert kafka.preview_create(IT, INPUTS) == INPUTS
    assert len(said) == 1
    assert "127.0.0.1:1" in said[0]


def test_a_preview_of_unknown_values_asks_nobody() -> None:
    inputs = {**INPUTS, "partitions": UNKNOWN}
    assert Kafka().preview_create(IT, inputs) == inputs


def test_another_type_is_refused_by_name(kafka: Kafka) -> None:
    with pytest.raises(ProviderError, match="kafka:index/quota:Quota"):
        kafka.check(Resource("urn:pulumi:dev::p::kafka:index/quota:Quota::a"), {}, {}, Naming())


AN_ACL = Resource(f"urn:pulumi:dev::project::{ACL}::reads")
ACL_INPUTS: Properties = {
    "aclPrincipal": "User:clients",
    "aclHost": "*",
    "aclOperation": "DescribeConfigs",
    "aclPermissionType": "Allow",
    "aclResourceType": "TransactionalID",
    "aclResourceName": "datapipe-",
    "resourcePatternTypeFilter": "Prefixed",
}


def test_an_acl_has_the_official_providers_id_and_survives_it() -> None:
    acl = Acl.parse(ACL_INPUTS)
    assert acl.id == "User:clients|*|DescribeConfigs|Allow|TransactionalID|datapipe-|Prefixed"
    assert Acl.from_id(acl.id) == acl
    assert acl.properties() == ACL_INPUTS


def test_an_id_of_another_form_is_refused() -> None:
    with pytest.raises(ProviderError, match="is not the id of an ACL"):
        Acl.from_id("User:clients|Read")


def test_an_acl_is_literal_where_nothing_is_said(kafka: Kafka) -> None:
    short = {key: value for key, value in ACL_INPUTS.items() if key.startswith("acl")}
    checked = kafka.check(AN_ACL, {}, short, Naming())
    assert checked == {**ACL_INPUTS, "resourcePatternTypeFilter": "Literal"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"aclPrincipal": None}, "aclPrincipal: is required"),
        ({"aclOperation": "Reed"}, "aclOperation: is 'Reed'; allowed: All, Alter"),
        ({"aclResourceType": "Cat"}, "aclResourceType: is 'Cat'; allowed: Cluster"),
        ({"resourcePatternTypeFilter": "Any"}, "resourcePatternTypeFilter: is 'Any'"),
    ],
)
def test_a_bad_acl_is_refused(kafka: Kafka, change: Properties, problem: str) -> None:
    with pytest.raises(InvalidInputsError, match=problem):
        kafka.check(AN_ACL, {}, {**ACL_INPUTS, **change}, Naming())


@pytest.mark.parametrize("key", ACL_INPUTS)
def test_every_change_of_an_acl_replaces_it(kafka: Kafka, key: str) -> None:
    changes = kafka.changes(AN_ACL, ACL_INPUTS, {**ACL_INPUTS, key: "other"})
    replacement = kafka.replacement(AN_ACL, ACL_INPUTS, {**ACL_INPUTS, key: "other"}, changes)
    assert replacement.paths >= changes.keys()


def test_codes_are_the_client_librarys() -> None:
    for operation in OPERATIONS:
        assert hasattr(AclOperation, code(operation))
    for kind in KIND_CODES.values():
        assert hasattr(ResourceType, kind)


def client_error(name: str) -> ClientError:
    number: int = getattr(ClientError, name)
    return ClientError(number)


class LosingClient:
    """A client that gives up its connection at the first questions, as librdkafka may."""

    def __init__(self, losses: int, then: str | None = None) -> None:
        self.asked, self._losses, self._then = 0, losses, then

    def _answer(self) -> Future[bool]:
        self.asked += 1
        answer = Future[bool]()
        if self.asked <= self._losses:
            answer.set_exception(KafkaException(client_error("_DESTROY_BROKER")))
        elif self._then:
            answer.set_exception(KafkaException(client_error(self._then)))
        else:
            answer.set_result(True)
        return answer

    def describe_acls(self, *_: object, **__: object) -> Future[bool]:
        return self._answer()

    def create_acls(self, *_: object, **__: object) -> dict[str, Future[bool]]:
        return {"acl": self._answer()}

    create_topics = delete_acls = create_acls


VISITOR = Acl("User:visitor", "*", "Read", "Allow", "Topic", "t", "Literal")


def losing(client: LosingClient, monkeypatch: pytest.MonkeyPatch) -> Admin:
    admin = Admin({"bootstrap.servers": "nowhere:9092"}, threading.Event())
    monkeypatch.setattr(admin, "_connect", lambda: client)
    monkeypatch.setattr(admin, "_settle", lambda *_: None)
    return admin


@pytest.mark.parametrize("ask", [Admin.allow, Admin.revoke, Admin.has_acl])
def test_a_connection_that_the_client_gave_up_is_asked_again(
    ask: Callable[[Admin, Acl], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = LosingClient(1)
    ask(losing(client, monkeypatch), VISITOR)
    assert client.asked == 2


def test_a_topic_that_exists_after_a_lost_answer_was_created_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = LosingClient(1, then="TOPIC_ALREADY_EXISTS")
    losing(client, monkeypatch).create(Topic("t", 1, 1, {}))
    assert client.asked == 2


def test_a_connection_that_is_lost_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaError, match="_DESTROY_BROKER"):
        losing(LosingClient(9), monkeypatch).has_acl(VISITOR)
