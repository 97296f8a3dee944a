"""What the plugin asks of the brokers, with waiting and repeating within bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from provider_plugins.kafka.acl import KIND_CODES, Acl, code
from provider_plugins.kafka.topic import Topic
from provider_plugins.provider import ProviderError

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

REQUEST_SECONDS: Final = 15.0
# How long brokers may take to come up while topics already ask for them.
START_SECONDS: Final = 60.0

SETTLE_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.5
# A broker knows a new ACL within some ten milliseconds, and there are many of them.
ACL_PAUSE_SECONDS: Final = 0.02
# A preview gives up sooner: at the first one, nothing runs yet.
REACHABLE_SECONDS: Final = 2.0

# Errors that brokers which are just starting give, and stop giving.
NOT_YET: Final = frozenset(
    {
        "_ALL_BROKERS_DOWN",
        "_DESTROY_BROKER",
        "_TIMED_OUT",
        "_TRANSPORT",
        "BROKER_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "INVALID_REPLICATION_FACTOR",  # said while not all brokers have joined
        "LEADER_NOT_AVAILABLE",
        "NETWORK_EXCEPTION",
        "NOT_CONTROLLER",
        "REQUEST_TIMED_OUT",
    }
)

# Errors after which a request may have succeeded although its answer was lost.
ANSWER_LOST: Final = frozenset({"_DESTROY_BROKER", "_TIMED_OUT", "_TRANSPORT", "REQUEST_TIMED_OUT"})

# The source of a setting that was made on the topic itself.
DYNAMIC_TOPIC_CONFIG: Final = 1

Result = TypeVar("Result")


class KafkaError(ProviderError):
    """The brokers refused a request, or do not answer. `code` is the protocol's name of it."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(f"Kafka: {message} ({code})")
        self.code = code


class Admin:
    """Topics on one cluster. Safe to use from many threads."""

    def __init__(self, settings: dict[str, Any], cancelled: threading.Event) -> None:
        self._settings = settings
        self._cancelled = cancelled
        self._client: AdminClient | None = None
        self._reachable: bool | None = None
        self._lock = threading.Lock()

    @property
    def servers(self) -> str:
        """The brokers' addresses, for messages."""
        return str(self._settings["bootstrap.servers"])

    def reachable(self) -> bool:
        """Return whether a broker answers within two seconds; asked once, since many topics ask."""
        client = self._connect()
        with self._lock:
            if self._reachable is None:
                try:
                    _ask(lambda: client.list_topics(timeout=REACHABLE_SECONDS))
                    self._reachable = True
                except KafkaError:
                    self._reachable = False
            return self._reachable

    def create(self, topic: Topic) -> None:
        """Create a topic, waiting for brokers that are just starting, and until it is usable.

        Raises:
            KafkaError: they refuse it, or do not come up.
        """
        deadline = time.monotonic() + START_SECONDS
        unsure = False  # whether an attempt may have succeeded although its answer was lost
        while True:
            try:
                self.request_creation(topic)
                break
            except KafkaError as error:
                if unsure and error.code == "TOPIC_ALREADY_EXISTS":
                    break
                if error.code not in NOT_YET or not self._pause(deadline):
                    raise
                unsure = unsure or error.code in ANSWER_LOST
        self._settle(lambda: self._is_usable(topic))

    def request_creation(self, topic: Topic, *, validate_only: bool = False) -> None:
        """Ask once for a topic's creation, or whether the brokers would grant it."""
        from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # noqa: PLC0415

        new = NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            config=dict(topic.config),
        )
        timeout = {"request_timeout": REQUEST_SECONDS, "operation_timeout": REQUEST_SECONDS}
        client = self._connect()
        _ask_all(lambda: client.create_topics([new], validate_only=validate_only, **timeout))

    def read(self, name: str) -> Topic | None:
        """Return the topic; None if it does not exist."""
        from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # noqa: PLC0415

        metadata = self._metadata(name)
        if metadata is None:
            return None
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        client = self._connect()
        [described] = _ask_all(
            lambda: client.describe_configs([resource], request_timeout=REQUEST_SECONDS),
            repeatable=True,
        )
        return Topic(
            name,
            len(metadata.partitions),
            len(next(iter(metadata.partitions.values())).replicas),
            {
                entry.name: entry.value
                for entry in described.values()
                if entry.source == DYNAMIC_TOPIC_CONFIG
            },
        )

    def grow(self, name: str, partitions: int, *, validate_only: bool = False) -> None:
        """Give a topic more partitions."""
        from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined]  # noqa: PLC0415

        wanted = NewPartitions(name, partitions)
        client = self._connect()
        _ask_all(
            lambda: client.create_partitions(
                [wanted], validate_only=validate_only, request_timeout=REQUEST_SECONDS
            )
        )
        if not validate_only:
            self._settle(lambda: self._has_partitions(name, partitions))

    def configure(
        self, name: str, changes: dict[str, str | None], *, validate_only: bool = False
    ) -> None:
        """Change some of a topic's settings; None gives one back to the brokers' default."""
        from confluent_kafka.admin import (  # type: ignore[attr-defined]  # noqa: PLC0415
            AlterConfigOpType,
            ConfigEntry,
            ConfigResource,
        )

        operation = AlterConfigOpType
        entries = [
            ConfigEntry(
                key,
                value,
                incremental_operation=operation.DELETE if value is None else operation.SET,
            )
            for key, value in changes.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        client = self._connect()
        _ask_all(
            lambda: client.incremental_alter_configs(
                [resource], validate_only=validate_only, request_timeout=REQUEST_SECONDS
            ),
            repeatable=True,
        )

    def delete(self, name: str) -> None:
        """Delete a topic and wait until its name is free; a topic that is gone is not an error."""
        client = self._connect()
        try:
            _ask_all(
                lambda: client.delete_topics(
                    [name], operation_timeout=REQUEST_SECONDS, request_timeout=REQUEST_SECONDS
                ),
                repeatable=True,
            )
        except KafkaError as error:
            if error.code != "UNKNOWN_TOPIC_OR_PART":
                raise
        self._settle(lambda: self._metadata(name) is None)

    def allow(self, acl: Acl) -> None:
        """Create an ACL, waiting for brokers that are just starting, and until one of them has it.

        Raises:
            KafkaError: they refuse it, or do not come up.
        """
        client, binding = self._connect(), _acl_binding(acl)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                _ask_all(lambda: client.create_acls([binding], request_timeout=REQUEST_SECONDS))
                break
            except KafkaError as error:
                if error.code not in NOT_YET or not self._pause(deadline):
                    raise
        self._settle(lambda: self.has_acl(acl), ACL_PAUSE_SECONDS)

    def has_acl(self, acl: Acl) -> bool:
        """Return whether an ACL exists."""
        client, wanted = self._connect(), _acl_filter(acl)

        def found() -> Any:
            answer = client.describe_acls(wanted, request_timeout=REQUEST_SECONDS)
            return answer.result(REQUEST_SECONDS * 2)

        return bool(_ask(found, repeatable=True))

    def revoke(self, acl: Acl) -> None:
        """Delete an ACL and wait until it is; one that is gone is not an error."""
        client, wanted = self._connect(), _acl_filter(acl)
        _ask_all(
            lambda: client.delete_acls([wanted], request_timeout=REQUEST_SECONDS), repeatable=True
        )
        self._settle(lambda: not self.has_acl(acl), ACL_PAUSE_SECONDS)

    def _connect(self) -> AdminClient:
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                self._client = AdminClient(self._settings)
            return self._client

    def _metadata(self, name: str) -> Any:
        client = self._connect()
        answer = _ask(lambda: client.list_topics(name, timeout=REQUEST_SECONDS), repeatable=True)
        topic = answer.topics.get(name)
        return None if topic is None or topic.error else topic

    def _is_usable(self, topic: Topic) -> bool:
        """Return whether each partition has a leader and every replica follows.

        A replica in sync has taken the topic over from the controller, so with as many replicas
        as brokers the topic is then known to all of them.
        """
        metadata = self._metadata(topic.name)
        return (
            metadata is not None
            and len(metadata.partitions) == topic.partitions
            and all(
                partition.leader >= 0 and len(partition.isrs) == len(partition.replicas)
                for partition in metadata.partitions.values()
            )
        )

    def _has_partitions(self, name: str, partitions: int) -> bool:
        metadata = self._metadata(name)
        return metadata is not None and len(metadata.partitions) == partitions

    def _settle(self, done: Callable[[], bool], pause: float = PAUSE_SECONDS) -> None:
        """Wait until the brokers have carried out what they have granted already.

        They do in the end: when this takes long (a broker is down), that is not a failure.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while not done() and self._pause(deadline, pause):
            pass

    def _pause(self, deadline: float, seconds: float = PAUSE_SECONDS) -> bool:
        """Wait a little; False if the time is over or the user cancelled."""
        return not self._cancelled.wait(seconds) and time.monotonic() < deadline


def _acl_binding(acl: Acl) -> Any:
    from confluent_kafka.admin import AclBinding  # type: ignore[attr-defined]  # noqa: PLC0415

    return AclBinding(*_acl_fields(acl))


def _acl_filter(acl: Acl) -> Any:
    """Return a filter that only this ACL passes."""
    from confluent_kafka.admin import (  # type: ignore[attr-defined]  # noqa: PLC0415
        AclBindingFilter,
    )

    return AclBindingFilter(*_acl_fields(acl))


def _acl_fields(acl: Acl) -> tuple[Any, ...]:
    from confluent_kafka.admin import (  # type: ignore[attr-defined]  # noqa: PLC0415
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    return (
        ResourceType[KIND_CODES[acl.kind]],
        acl.name,
        ResourcePatternType[code(acl.pattern)],
        acl.principal,
        acl.host,
        AclOperation[code(acl.operation)],
        AclPermissionType[code(acl.permission)],
    )


def _ask(question: Callable[[], Result], *, repeatable: bool = False) -> Result:
    """Return the answer, or the client library's error as one that names the protocol's code.

    A repeatable question is asked again where the client has given up the connection, which it
    does when it learns the brokers' own addresses.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415

    try:
        return question()
    except KafkaException as error:
        reason = error.args[0]
        if repeatable and reason.name() == "_DESTROY_BROKER":
            return _ask(question)
        raise KafkaError(reason.str(), reason.name()) from error


def _ask_all(question: Callable[[], dict[Any, Any]], *, repeatable: bool = False) -> list[Any]:
    """Return the results of a request that returns a future for each item."""

    def answers() -> list[Any]:
        return [future.result(REQUEST_SECONDS * 2) for future in question().values()]

    return _ask(answers, repeatable=repeatable)
