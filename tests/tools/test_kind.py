"""The dev stack and its cluster's file against kind's own manifests and types, from its Go module.

kind itself needs Docker and a node image; where these can't be had, its module can.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.config import StackConfig, parse
from tests.unit.deployment import Deployment
from tests.unit.streaming_stack import deploy_stack
from tools.golang import ModuleFile

pytestmark = pytest.mark.go

ROOT = Path(__file__).parents[2]
MODULE = "sigs.k8s.io/kind"


def source(folder: Path, path: str) -> str:
    """Return a file of kind's module, in the version of tools/kind/go.mod."""
    file = ModuleFile(ROOT / "tools/kind", MODULE, path)
    file.copy_into(folder)
    return (folder / file.name).read_text()


@pytest.fixture(scope="module")
def config() -> StackConfig:
    given = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    values = {key.removeprefix("datapipe:"): value for key, value in given.items()}
    return parse(values, "Pulumi.dev.yaml")


@pytest.fixture(scope="module")
def dev(config: StackConfig) -> Deployment:
    return deploy_stack(config)


@pytest.fixture(scope="module")
def cluster() -> Any:
    return yaml.safe_load((ROOT / "kind/cluster.yaml").read_text())


@pytest.fixture(scope="module")
def kind_class(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The only storage class that kind's node image brings."""
    text = source(tmp_path_factory.mktemp("kind"), "pkg/build/nodeimage/const_storage.go")
    manifests = text.partition("defaultStorageManifest = `")[2]
    classes = [
        yaml.safe_load(part)
        for part in re.split(r"^---$", manifests, flags=re.M)
        if "kind: StorageClass" in part
    ]
    (found,) = classes
    return found


def test_every_claim_of_dev_names_a_class_that_kind_has_or_the_program_makes(
    dev: Deployment, kind_class: Any
) -> None:
    made = {one.object_name: one.inputs for one in dev.of_type("StorageClass")}
    claimed = {
        claim["spec"]["storageClassName"]
        for one in dev.of_type("StatefulSet")
        for claim in one.inputs["spec"]["volumeClaimTemplates"]
    }
    assert claimed == {"local-path"}
    assert claimed <= {kind_class["metadata"]["name"], *made}


def test_the_class_is_served_by_kinds_provisioner_and_keeps_what_kinds_would_delete(
    dev: Deployment, kind_class: Any
) -> None:
    made = dev.one("StorageClass").inputs
    assert made["metadata"]["name"] != kind_class["metadata"]["name"]
    assert made["provisioner"] == kind_class["provisioner"]
    assert made["volumeBindingMode"] == kind_class["volumeBindingMode"]
    assert (kind_class["reclaimPolicy"], made["reclaimPolicy"]) == ("Delete", "Retain")


def test_the_context_is_the_one_that_kind_writes(
    config: StackConfig, cluster: Any, tmp_path: Path
) -> None:
    helpers = "pkg/cluster/internal/kubeconfig/internal/kubeconfig/helpers.go"
    (prefix,) = re.findall(r'return "([\w-]+)" \+ clusterName', source(tmp_path, helpers))
    assert config.cluster.context == f"{prefix}{cluster['name']}"


def test_the_script_asks_docker_for_the_network_that_kind_makes(tmp_path: Path) -> None:
    provider = source(tmp_path, "pkg/cluster/internal/providers/docker/network.go")
    (network,) = re.findall(r'const fixedNetworkName = "(\w+)"', provider)
    assert f"docker network inspect {network} " in (ROOT / "scripts/kind.sh").read_text()


def test_every_nodes_image_is_the_releases_own_by_digest(cluster: Any, tmp_path: Path) -> None:
    defaults = source(tmp_path, "pkg/apis/config/defaults/image.go")
    (image,) = re.findall(r'const Image = "(.+)"', defaults)
    assert "@sha256:" in image
    assert {node["image"] for node in cluster["nodes"]} == {image}


def test_the_clusters_file_has_only_fields_that_kind_reads(cluster: Any, tmp_path: Path) -> None:
    types = source(tmp_path, "pkg/apis/config/v1alpha4/types.go")
    known = {
        struct: set(re.findall(r'yaml:"(\w+)', body))
        for struct, body in re.findall(r"type (\w+) struct \{\n(.*?)\n\}", types, flags=re.S)
    }
    # kind and apiVersion are of the embedded TypeMeta.
    assert cluster.keys() <= known["Cluster"] | known["TypeMeta"]
    for node in cluster["nodes"]:
        assert node.keys() <= known["Node"]
        for mapping in node.get("extraPortMappings", ()):
            assert mapping.keys() <= known["PortMapping"]
    roles = set(re.findall(r'Role NodeRole = "([\w-]+)"', types))
    assert {node["role"] for node in cluster["nodes"]} <= roles


def test_the_ports_on_the_host_are_the_node_ports_of_dev(
    config: StackConfig, dev: Deployment, cluster: Any
) -> None:
    mapped = {
        (mapping["hostPort"], mapping["containerPort"], mapping["listenAddress"])
        for node in cluster["nodes"]
        for mapping in node.get("extraPortMappings", ())
    }
    declared = {
        port["nodePort"]
        for service in dev.of_type("Service")
        for port in service.inputs["spec"]["ports"]
        if "nodePort" in port
    }
    assert mapped == {(port, port, config.cluster.external_host) for port in declared}
    workers = [node for node in cluster["nodes"] if node["role"] == "worker"]
    assert len(workers) == config.cluster.nodes
