"""Pairs of Kafka and S3 sink that can't work are refused, before anything is registered."""

import pytest

from components.config import ConfigError
from components.streaming.sinks.confluent_s3 import ConfluentS3Sink
from components.streaming.sinks.declared import declared_sinks
from components.streaming.sinks.kafka_compatibility import confluent_version, incompatibility
from tests.unit.streaming_stack import deploy_stack, design, sandbox

CONNECT = "docker.io/confluentinc/cp-kafka-connect"


@pytest.mark.parametrize("tag", ["7.3.0", "7.4.1", "7.7.9", "7.8.3", "7.9.2", "7.9.12-1-ubi8"])
def test_the_designs_sink_loads_where_kafka_has_what_it_calls(tag: str) -> None:
    assert incompatibility(f"{CONNECT}:{tag}", "10.5.0") is None


@pytest.mark.parametrize("tag", ["7.8.0", "7.8.2", "7.9.0", "7.9.1", "8.0.0", "7.10.0"])
def test_it_does_not_where_kafka_lacks_it(tag: str) -> None:
    problem = incompatibility(f"{CONNECT}:{tag}", "10.5.20")
    assert problem is not None
    assert f"{CONNECT}:{tag} has a Kafka without Utils.join" in problem
    assert incompatibility(f"{CONNECT}:{tag}", "10.5.21") is None
    assert incompatibility(f"{CONNECT}:{tag}", "10.6.0") is None


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (f"{CONNECT}:7.9.2@sha256:{'0' * 64}", (7, 9, 2)),
        ("registry.example:5000/cp-kafka-connect:7.8.3", (7, 8, 3)),
        ("registry.example:5000/cp-kafka-connect", None),
        (f"{CONNECT}@sha256:{'0' * 64}", None),
        ("example/connect:latest", None),
    ],
)
def test_the_release_is_read_from_the_tag(image: str, version: tuple[int, ...] | None) -> None:
    assert confluent_version(image) == version


def test_an_image_without_a_release_in_its_tag_is_refused_with_the_way_on() -> None:
    problem = incompatibility("example/connect:prod", "10.5.0")
    assert problem is not None
    assert "set connect.s3SinkVersion to 10.5.21 or later" in problem


def test_the_stack_file_is_refused_by_key() -> None:
    with pytest.raises(ConfigError, match=r"images\.connect: .*:7\.9\.1 has a Kafka without"):
        declared_sinks(design(images={"connect": f"{CONNECT}:7.9.1"}))


def test_the_stacks_version_is_downloaded() -> None:
    config = design(connect={"s3SinkVersion": "10.5.23"}, images={"connect": f"{CONNECT}:7.9.1"})
    sink = declared_sinks(config).archive
    assert isinstance(sink, ConfluentS3Sink)
    assert sink.hub_plugin().url.endswith("/kafka-connect-s3/versions/10.5.23/archive")


def test_other_sinks_take_any_image() -> None:
    image = {"family": "apache", "connect": "localhost/connect:any"}
    assert declared_sinks(sandbox(images=image)).archive is not None


def test_debeziums_jar_of_ours_is_mounted_where_the_image_has_debezium() -> None:
    spec = deploy_stack(design(connect={"plugins": "image"})).one("Deployment", "kafka-connect")
    (container,) = spec.inputs["spec"]["template"]["spec"]["containers"]
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    hub = "/usr/share/confluent-hub-components/debezium-debezium-connector-postgresql"
    assert f"{hub}/values.jar" in paths
