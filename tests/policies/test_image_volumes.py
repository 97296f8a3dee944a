"""The policy's facts about images are the components', and every stack's mounts go with them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import parse
from components.images import FAMILIES, Declared, ImageFamily
from components.workloads import Workload
from images.catalog import IMAGES
from images.model import Folder
from images.shapes import CP_KAFKA, CP_KAFKA_CONNECT, POSTGRES_ALPINE, SHAPES
from policies import image_volumes
from policies.images import parse_reference
from policies.resource import Resource
from tests.policies.samples import messages
from tests.unit.deployment import Registered
from tests.unit.streaming_stack import deploy_stack

ROOT = Path(__file__).parents[2]
CONFLUENT = FAMILIES["confluent"]
WORKLOADS = {
    Workload.POSTGRESQL: "postgresql",
    Workload.KAFKA: "kafka",
    Workload.CONNECT: "connect",
    Workload.MAINTENANCE: "connect",
    Workload.REGISTRY: "registry",
}


def facts(declared: Declared) -> dict[str, object]:
    """Return what the policy needs to know of an image."""
    found: dict[str, object] = {}
    if declared.volumes:
        found["volumes"] = list(declared.volumes)
    if declared.data:
        found["data"] = declared.data
    return found


def test_the_policy_knows_of_the_designs_images_what_the_components_know() -> None:
    expected = {
        parse_reference(getattr(CONFLUENT, name)).repository: facts(declared)
        for name, declared in CONFLUENT.declared.items()
    }
    assert image_volumes.SETTINGS["declared"]["default"] == expected


def test_the_sandboxs_images_declare_no_volumes() -> None:
    given = json.loads((ROOT / "policies/configuration/sandbox.json").read_text())
    known = given["image-volumes"]["declared"]
    apache = FAMILIES["apache"]
    for name, declared in apache.declared.items():
        assert known[parse_reference(getattr(apache, name)).repository] == facts(declared)


def test_our_own_images_declare_the_user_that_the_table_has() -> None:
    users = {image.reference: image.config.user for image in IMAGES}
    apache = FAMILIES["apache"]
    for name in ("postgresql", "kafka", "connect"):
        user = apache.declared[name].user
        assert users[getattr(apache, name)] == f"{user}:{user}"


@pytest.mark.parametrize("family", FAMILIES)
def test_pods_run_as_the_user_of_their_image(family: ImageFamily) -> None:
    declared = FAMILIES[family].declared
    for workload, name in WORKLOADS.items():
        if name in declared:
            assert workload.user_id == declared[name].user


def workloads(stack_file: str) -> list[Registered]:
    """Return what a stack file's program registers with pods in it."""
    given = yaml.safe_load((ROOT / stack_file).read_text())["config"]
    values: dict[str, Any] = {key.removeprefix("datapipe:"): one for key, one in given.items()}
    deployed = deploy_stack(parse(values, stack_file))
    kinds = ("StatefulSet", "Deployment", "CronJob")
    return [one for kind in kinds for one in deployed.of_type(kind)]


@pytest.mark.parametrize(
    "stack_file",
    [
        "Pulumi.dev.yaml",
        "Pulumi.prod.yaml",
        "Pulumi.sandbox.yaml",
        "tests/several/Pulumi.sandbox.yaml",
        "tests/shapes/Pulumi.sandbox.yaml",
    ],
)
def test_no_mount_of_a_stack_hides_what_its_images_declare(stack_file: str) -> None:
    stack = Path(stack_file).name.split(".")[1]
    file = ROOT / f"policies/configuration/{stack}.json"
    given = json.loads(file.read_text()).get("image-volumes", {})
    pods = [Resource(one.type, one.name, one.inputs, one.name) for one in workloads(stack_file)]
    assert len(pods) >= 3
    assert messages("image-volumes", pods, given) == []


@pytest.mark.parametrize(
    ("workload", "folder", "part"),
    [
        ("kafka", "/etc/kafka", "VOLUME /etc/kafka/secrets"),
        ("kafka-connect", "/etc/kafka-connect", "VOLUME /etc/kafka-connect/jars"),
        ("schema-registry", "/etc/schema-registry", "VOLUME /etc/schema-registry/secrets"),
    ],
)
def test_the_mounts_of_version_0_2_are_refused(workload: str, folder: str, part: str) -> None:
    """Deployed as they were, no pod with one of Confluent's images started."""
    (pod,) = [one for one in workloads("Pulumi.dev.yaml") if one.object_name == workload]
    text = json.dumps(pod.inputs).replace("/opt/datapipe/config", folder)
    text = text.replace('"mountPath": "/var/lib/kafka/data"', '"mountPath": "/var/lib/kafka"')
    found = messages("image-volumes", [Resource(pod.type, pod.name, json.loads(text), pod.name)])
    assert any(part in message and "would not start" in message for message in found)
    above = [message for message in found if "VOLUME /var/lib/kafka/data" in message]
    assert bool(above) is (workload == "kafka")


def test_the_shapes_declare_what_the_designs_images_do() -> None:
    given = json.loads((ROOT / "policies/configuration/sandbox.json").read_text())
    known = given["image-volumes"]["declared"]
    for shape, name in (
        (POSTGRES_ALPINE, "postgresql"),
        (CP_KAFKA, "kafka"),
        (CP_KAFKA_CONNECT, "connect"),
    ):
        declared = CONFLUENT.declared[name]
        assert sorted(shape.volumes) == sorted(declared.volumes)
        assert known[parse_reference(shape.reference).repository] == facts(declared)
        owners = {entry.path: entry.uid for entry in shape.entries if isinstance(entry, Folder)}
        assert {owners[volume] for volume in shape.volumes} == {declared.user}


def test_the_shapes_are_the_images_of_their_stack_file() -> None:
    given = yaml.safe_load((ROOT / "tests/shapes/Pulumi.sandbox.yaml").read_text())["config"]
    images = given["datapipe:images"]
    named = {images[name] for name in ("postgresql", "kafka", "connect")}
    assert named == {shape.reference for shape in SHAPES}
    folders = {entry.path for entry in CP_KAFKA_CONNECT.entries if isinstance(entry, Folder)}
    assert {images["icebergPlugin"], CONFLUENT.debezium_plugin} <= folders
    sandbox = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())
    shapes = yaml.safe_load((ROOT / "tests/shapes/Pulumi.sandbox.yaml").read_text())
    assert shapes["encryptionsalt"] == sandbox["encryptionsalt"]
