"""Schema Registry's configuration files (design: "Schema Registry")."""

from collections.abc import Mapping
from enum import StrEnum

from components.config.streaming import RegistrySettings
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.properties import Properties
from components.workloads import Workload, service_host

# Names the login module in jaas.conf, too.
REALM = "SchemaRegistry"


class Role(StrEnum):
    """The design's roles.

    The community edition lets in whoever has one of them and makes no difference between them:
    what a role may do is decided by Confluent's commercial security plugin, and only there.
    """

    ADMIN = "admin"
    DEVELOPER = "developer"
    READONLY = "readonly"


# Connect's converters.
DEVELOPER_USER = "developer"
# The kubelet's probes.
PROBE_USER = "probe"
USERS = {"admin": Role.ADMIN, DEVELOPER_USER: Role.DEVELOPER, PROBE_USER: Role.READONLY}


def registry_properties(settings: RegistrySettings, network: KafkaNetwork) -> Properties:
    """Return schema-registry.properties."""
    transport = network.transport
    brokers = ",".join(
        f"{transport.protocol}://{network.internal(ordinal)}"
        for ordinal in range(network.settings.brokers)
    )
    return {
        "listeners": f"{transport.rest_scheme}://0.0.0.0:{settings.port}",
        "host.name": service_host(Workload.REGISTRY, network.namespace),
        "kafkastore.bootstrap.servers": brokers,
        "kafkastore.topic": settings.topic,
        "kafkastore.topic.replication.factor": network.settings.replication_factor,
        "schema.compatibility.level": settings.compatibility,
        "authentication.method": "BASIC",
        "authentication.realm": REALM,
        "authentication.roles": ",".join(Role),
        "debug": False,
        **transport.client_properties("kafkastore."),
        **transport.rest_server_properties(),
    }


# What the probe asks in the pod itself.
LOCALHOST = "localhost"


def registry_hosts(network: KafkaNetwork) -> tuple[str, ...]:
    """Return the names by which clients find the registry, for its certificate."""
    return (service_host(Workload.REGISTRY, network.namespace), LOCALHOST)


def user_properties(passwords: Mapping[str, str]) -> str:
    """user.properties as Jetty's PropertyFileLoginModule reads it: user: password,role."""
    return "".join(f"{user}: {passwords[user]},{role}\n" for user, role in USERS.items())


def probe_netrc(passwords: Mapping[str, str]) -> str:
    """Return the probe's credentials as a file for curl, not as arguments of a process."""
    return f"machine {LOCALHOST} login {PROBE_USER} password {passwords[PROBE_USER]}\n"
