"""Pods with images in the shape of Confluent's and of postgres:alpine, on the sandbox's node.

One broker, PostgreSQL and a worker of dev's layout run in a namespace of their own. Every pod
starts, and a record and a row survive the end of their containers and of their pods. `make shapes`
does it with the whole layout, under load.
"""

import json
import os
import signal
from collections.abc import Collection, Iterator
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from chaos.node import main_process
from clients.stack import PROJECT
from components.config import StackConfig, parse
from components.streaming.kafka.cluster_id import random_cluster_id
from images.build import ensure
from images.catalog import IMAGES
from images.shapes import SHAPES
from kafka_connect.cluster_access import ClusterAccess
from polling import NotReadyError, poll_until
from tests.e2e.pod_connections import kubectl
from tests.unit.streaming_stack import deploy_stack
from tools import paths
from tools.progress import ConsoleProgress

pytestmark = pytest.mark.root

NAMESPACE = "shapes"
STACK_FILE = PROJECT / "tests/shapes/Pulumi.sandbox.yaml"
# Next to those of the deployed stack.
PORTS = {"postgresql": 31432, "firstBroker": 31092}
TOPIC = "survives"
START_SECONDS = 240
KAFKA_SECONDS = 30
PODS = ("kafka-0", "postgresql-0")


def small() -> StackConfig:
    """Return the layout with one broker, and requests that fit next to the sandbox's."""
    given = yaml.safe_load(STACK_FILE.read_text())["config"]
    values: dict[str, Any] = {key.removeprefix("datapipe:"): one for key, one in given.items()}
    values["cluster"]["nodePorts"] = PORTS
    values["security"] = {"namespace": NAMESPACE}
    values["kafka"] = {"brokers": 1, "replicationFactor": 1, "minInsyncReplicas": 1}
    values["sizing"] = {
        name: {"memoryRequest": "128Mi", "memoryLimit": size, "cpuRequest": "50m", "cpuLimit": "1"}
        for name, size in (("postgresql", "512Mi"), ("broker", "682Mi"), ("connect", "1024Mi"))
    }
    return parse(values, STACK_FILE.name)


def objects() -> list[dict[str, Any]]:
    """Return the Kubernetes objects that the program declares for it."""
    declared = [
        one for one in deploy_stack(small()).resources if one.type.startswith("kubernetes:")
    ]
    found = [one.inputs for one in declared if "metadata" in one.inputs]
    for one in found:
        if one["kind"] == "StatefulSet":
            # A dynamic resource makes the broker's cluster id, which runs in an update only.
            for container in one["spec"]["template"]["spec"]["initContainers"]:
                container["env"] = [
                    {"name": "CLUSTER_ID", "value": random_cluster_id()}
                    if each["name"] == "CLUSTER_ID"
                    else each
                    for each in container["env"]
                ]
    return found


@pytest.fixture(scope="module")
def pods() -> Iterator[None]:
    """Everything of the layout in its namespace, ready or not."""
    ensure((*IMAGES, *SHAPES), [str(paths.binaries() / "ctr")], ConsoleProgress("images"))
    manifest = {"apiVersion": "v1", "kind": "List", "items": objects()}
    try:
        kubectl("apply", "--server-side", "--filename=-", manifest=manifest)
        yield
    finally:
        # Nothing is kept of them, so nothing waits until they have stopped in an orderly way. In a
        # namespace that is being deleted no pod is created again.
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
        at_once = ("--force", "--grace-period=0", "--ignore-not-found")
        kubectl("delete", f"--namespace={NAMESPACE}", "pods", "--all", *at_once)
        kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", f"--timeout={START_SECONDS}s")
        volumes = json.loads(kubectl("get", "persistentvolumes", "--output=json"))["items"]
        for volume in volumes:
            if volume["spec"].get("claimRef", {}).get("namespace") == NAMESPACE:
                kubectl("delete", "persistentvolume", volume["metadata"]["name"])


def listed() -> dict[str, dict[str, Any]]:
    shown = kubectl("get", f"--namespace={NAMESPACE}", "pods", "--output=json")
    return {pod["metadata"]["name"]: pod for pod in json.loads(shown)["items"]}


def restarts(pod: dict[str, Any]) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", ()))


def uids() -> dict[str, str]:
    """Return those of the pods that the test kills and deletes."""
    found = listed()
    return {name: found[name]["metadata"]["uid"] for name in PODS}


def wait_until_ready(
    count: int = 3, restarted: bool = False, deleted: Collection[str] = ()
) -> None:
    """Wait until so many pods are ready, restarted, and none of the uids `deleted` is there."""

    def are_ready() -> bool:
        found = listed()
        conditions = {
            name: any(
                one["type"] == "Ready" and one["status"] == "True"
                for one in pod["status"].get("conditions", ())
            )
            for name, pod in found.items()
        }
        if restarted and not all(restarts(found[name]) for name in PODS):
            raise NotReadyError("not restarted yet")
        if not {pod["metadata"]["uid"] for pod in found.values()}.isdisjoint(deleted):
            raise NotReadyError("not deleted yet")
        if len(found) != count or not all(conditions.values()):
            statuses = {name: pod["status"].get("containerStatuses") for name, pod in found.items()}
            raise NotReadyError(f"{conditions}: {json.dumps(statuses)}")
        return True

    poll_until(are_ready, timeout=START_SECONDS, interval=2, description="every pod to be ready")


def psql(statement: str) -> str:
    return kubectl(
        *("exec", f"--namespace={NAMESPACE}", "postgresql-0", "--container=postgresql", "--"),
        *("/usr/local/bin/psql", "--host=/var/run/postgresql", "--username=postgres"),
        *("--dbname=postgres", "--no-align", "--tuples-only", f"--command={statement}"),
    ).strip()


def brokers() -> str:
    return f"10.231.0.1:{PORTS['firstBroker']}"


def produce(value: str) -> None:
    admin = AdminClient({"bootstrap.servers": brokers()})
    created = admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC]
    created.result(KAFKA_SECONDS)
    producer = Producer({"bootstrap.servers": brokers(), "acks": "all"})
    producer.produce(TOPIC, value.encode())
    assert producer.flush(KAFKA_SECONDS) == 0


def consumed() -> str:
    consumer = Consumer({"bootstrap.servers": brokers(), "group.id": "shapes"})
    try:
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        message = consumer.poll(KAFKA_SECONDS)
        assert message is not None, "the record is gone"
        assert message.error() is None, message.error()
        value = message.value()
        assert value is not None
        return value.decode()
    finally:
        consumer.close()


def test_every_pod_starts_and_the_worker_finds_its_plugins(pods: None) -> None:
    wait_until_ready()
    access = ClusterAccess()
    with access.session() as session:
        url = access.service_proxy_url(NAMESPACE, "kafka-connect", 8083)
        plugins = session.get(f"{url}/connector-plugins", timeout=60).json()
    assert {
        "io.debezium.connector.postgresql.PostgresConnector",
        "org.apache.iceberg.connect.IcebergSinkConnector",
    } <= {plugin["class"] for plugin in plugins}


def test_a_record_and_a_row_survive_their_containers_and_their_pods(pods: None) -> None:
    wait_until_ready()
    psql("CREATE TABLE survives (value text); INSERT INTO survives VALUES ('a row')")
    produce("a record")

    before = uids()
    for name in PODS:
        os.kill(main_process(before[name]), signal.SIGKILL)
    wait_until_ready(restarted=True)
    assert psql("SELECT value FROM survives") == "a row"
    assert consumed() == "a record"

    kubectl("delete", f"--namespace={NAMESPACE}", "--wait=false", "pod", *PODS)
    wait_until_ready(deleted=before.values())
    after = uids()
    assert all(after[name] != before[name] for name in PODS)
    assert psql("SELECT value FROM survives") == "a row"
    assert consumed() == "a record"
