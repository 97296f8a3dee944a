"""The memory policies accept the settings that components.sizing derives."""

import pytest

from components.config.source import SourceSettings
from components.sizing import JVM_PROFILES, Resources, Sizing, jvm_heap_options
from components.source.configuration import postgresql_conf
from policies.jvm import parse_options
from policies.quantities import MEBIBYTE
from policies.resource import Resource
from tests.policies.samples import (
    config_map,
    container,
    deployment,
    messages,
    pod_spec,
    sizes,
    stateful_set,
)

WORKLOADS = {
    "broker": "kafka",
    "connect": "kafka-connect",
    "registry": "schema-registry",
    "maintenance": "archive-maintenance",
}


def jvm_pod(name: str, limit: int, options: str) -> Resource:
    env = [{"name": "KAFKA_HEAP_OPTS", "value": options}]
    return deployment(name, pod_spec(container(resources=sizes(f"{limit}Mi"), env=env)))


@pytest.mark.parametrize("profile", JVM_PROFILES)
@pytest.mark.parametrize("more", [0, 1, 100, 1000])
def test_every_heap_that_sizing_derives_fits(profile: str, more: int) -> None:
    limit = getattr(Sizing(), profile).memory_limit + more
    options = jvm_heap_options(limit, JVM_PROFILES[profile])

    assert messages("jvm-memory", [jvm_pod(WORKLOADS[profile], limit, options)]) == []


def test_a_heap_that_leaves_too_little_room_does_not_fit() -> None:
    limit = Sizing().connect.memory_limit
    options = jvm_heap_options(limit, JVM_PROFILES["connect"])
    heap = parse_options(options.split()).heap or 0
    greedy = f"{options} -Xmx{heap // MEBIBYTE + 100}m"

    [message] = messages("jvm-memory", [jvm_pod("kafka-connect", limit, greedy)])

    assert "above the limit of 1024Mi; lower the heap to -Xmx" in message


def test_a_percentage_of_the_limit_is_a_heap() -> None:
    options = "-XX:MaxRAMPercentage=75.0 -XX:MaxMetaspaceSize=144m -XX:MaxDirectMemorySize=128m"

    [message] = messages("jvm-memory", [jvm_pod("kafka-connect", 1024, options)])

    assert "heap 768Mi" in message


def test_a_database_is_not_a_jvm() -> None:
    database = container(command=["/usr/local/bin/postgres", "-D", "/data"])

    assert messages("jvm-memory", [stateful_set("postgresql", pod_spec(database))]) == []


@pytest.mark.parametrize("limit", [512, 600, 1024, 4096])
def test_the_databases_configuration_fits(limit: int) -> None:
    memory = f"{limit}Mi"
    resources = Resources(
        memory_request=memory, memory_limit=memory, cpu_request="500m", cpu_limit="1"
    )
    pod = pod_spec(
        container("postgresql", resources=resources.manifest()),
        volumes=[{"name": "c", "configMap": {"name": "postgresql"}}],
    )
    text = postgresql_conf(SourceSettings(), resources, Sizing().postgresql_storage)
    file = config_map("postgresql", postgresql_conf=text)

    assert messages("postgresql-memory", [stateful_set("postgresql", pod), file]) == []
