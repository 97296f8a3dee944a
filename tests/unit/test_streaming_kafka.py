"""The brokers: the design's settings, a quorum that can form, and a heap that fits the limit."""

import base64

import pytest

from components.config import StackConfig
from components.sizing import BROKER_JVM, THREAD_KIB, jvm_heap_options
from components.streaming.kafka.brokers import broker_files
from components.streaming.kafka.cluster_id import ClusterIdProvider, random_cluster_id
from components.streaming.kafka.configuration import KafkaNetwork
from tests.unit.deployment import Deployment, every_container
from tests.unit.streaming_stack import deploy_stack, design, sandbox

HEADLESS = "kafka-headless.data-ingestion.svc.cluster.local"

DESIGN = {
    "process.roles": "broker,controller",
    "num.network.threads": "8",
    "num.io.threads": "16",
    "socket.send.buffer.bytes": "102400",
    "socket.receive.buffer.bytes": "102400",
    "socket.request.max.bytes": "104857600",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
    "num.replica.fetchers": "4",
    "replica.fetch.max.bytes": "1048576",
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    return deploy_stack(sandbox())


def properties(config: StackConfig, name: str = "server.properties") -> dict[str, str]:
    network = KafkaNetwork(config.kafka, config.cluster, config.security.namespace)
    lines = broker_files(network)[name].splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_designs_settings_are_rendered() -> None:
    assert properties(design()).items() >= DESIGN.items()


def test_the_quorum_is_all_brokers_by_their_own_names() -> None:
    voters = properties(design())["controller.quorum.voters"].split(",")
    assert voters == [f"{n + 1}@kafka-{n}.{HEADLESS}:9093" for n in range(3)]


@pytest.mark.parametrize("ordinal", range(3))
def test_each_broker_advertises_itself_inside_and_outside(ordinal: int) -> None:
    assert properties(design(), f"kafka-{ordinal}.properties") == {
        "node.id": str(ordinal + 1),
        "advertised.listeners": (
            f"INTERNAL://kafka-{ordinal}.{HEADLESS}:9092,EXTERNAL://127.0.0.1:{30092 + ordinal}"
        ),
    }


def test_the_claim_covers_the_images_volume_exactly_and_logs_are_in_the_same_folder_of_it(
    deployed: Deployment,
) -> None:
    """The folder of the claim is that of stacks whose claim was mounted at /var/lib/kafka."""
    for container in every_container(deployed.one("StatefulSet", "kafka")):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts["data"] == "/var/lib/kafka/data"
    assert properties(design())["log.dirs"] == "/var/lib/kafka/data/data"


def test_without_node_ports_there_is_no_external_listener() -> None:
    config = design(cluster={"nodePorts": None}, kafka={"bootstrapServers": ["kafka:9092"]})
    assert properties(config)["listeners"] == "INTERNAL://:9092,CONTROLLER://:9093"
    assert "EXTERNAL" not in properties(config, "kafka-0.properties")["advertised.listeners"]
    services = {one.object_name for one in deploy_stack(config).of_type("Service")}
    assert not [name for name in services if name.endswith("-external") and "kafka" in name]


def test_brokers_start_in_parallel_and_find_each_other_before_they_are_ready(
    deployed: Deployment,
) -> None:
    spec = deployed.one("StatefulSet", "kafka").inputs["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["serviceName"] == "kafka-headless"
    headless = deployed.one("Service", "kafka-headless").inputs["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True


def test_one_broker_at_a_time_is_disrupted_or_updated(deployed: Deployment) -> None:
    assert deployed.one("PodDisruptionBudget").inputs["spec"]["maxUnavailable"] == 1
    spec = deployed.one("StatefulSet", "kafka").inputs["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}
    assert spec["minReadySeconds"] >= 10


def test_brokers_prefer_nodes_apart(deployed: Deployment) -> None:
    pod = deployed.one("StatefulSet", "kafka").inputs["spec"]["template"]["spec"]
    (rule,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert rule["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


def test_the_volumes_share_the_clusters_10_gibibytes_and_stay(deployed: Deployment) -> None:
    spec = deployed.one("StatefulSet", "kafka").inputs["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "3413Mi"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }


def test_every_container_has_the_designs_limits_and_gains_nothing(deployed: Deployment) -> None:
    containers = list(every_container(deployed.one("StatefulSet", "kafka")))
    assert [one["name"] for one in containers] == ["format-storage", "kafka"]
    for container in containers:
        assert container["resources"]["limits"] == {"memory": "682Mi", "cpu": "500m"}
        assert container["resources"]["requests"] == {"memory": "512Mi", "cpu": "250m"}
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_probes_start_no_process(deployed: Deployment) -> None:
    *_, broker = every_container(deployed.one("StatefulSet", "kafka"))
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert set(broker[probe]) & {"exec", "httpGet", "grpc"} == set()
    assert broker["livenessProbe"]["tcpSocket"]["port"] == "controller"
    assert broker["readinessProbe"]["tcpSocket"]["port"] == "internal"


def test_no_kubernetes_token_and_no_service_variables_in_the_pods(deployed: Deployment) -> None:
    for kind, name in (("StatefulSet", "kafka"), ("Deployment", "kafka-connect")):
        pod = deployed.one(kind, name).inputs["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def test_each_broker_has_its_own_node_port(deployed: Deployment) -> None:
    for ordinal in range(3):
        spec = deployed.one("Service", f"kafka-{ordinal}-external").inputs["spec"]
        assert spec["selector"] == {"statefulset.kubernetes.io/pod-name": f"kafka-{ordinal}"}
        assert [port["nodePort"] for port in spec["ports"]] == [30092 + ordinal]
    assert deployed.outputs["bootstrapServers"] == "127.0.0.1:30092,127.0.0.1:30093,127.0.0.1:30094"


def test_changing_a_broker_setting_changes_its_file_and_rolls_the_brokers_only(
    deployed: Deployment,
) -> None:
    changed = deploy_stack(sandbox(kafka={"ioThreads": 8}))
    before = {(one.type, one.name): one.inputs for one in deployed.resources}
    after = {(one.type, one.name): one.inputs for one in changed.resources}
    streaming = {
        (kind.rsplit(":", 1)[-1], name)
        for (kind, name), inputs in after.items()
        if before[(kind, name)] != inputs and name.startswith("kafka")
    }
    # The passwords differ between the two deployments, and with them what belongs to Connect.
    connect = {("Deployment", "kafka-connect"), ("Secret", "kafka-connect")}
    certificate = {("ConfigMap", "kafka-connect")}
    assert streaming - connect - certificate == {("ConfigMap", "kafka"), ("StatefulSet", "kafka")}


@pytest.mark.parametrize("limit", [512, 682, 1024, 2048])
def test_the_jvm_fits_under_the_limit_and_leaves_page_cache(limit: int) -> None:
    options = jvm_heap_options(limit, BROKER_JVM).split()
    heap = int(next(o for o in options if o.startswith("-Xmx"))[4:-1])
    parts = [int(o.split("=")[1][:-1]) for o in options if o.startswith("-XX:")]
    stacks = BROKER_JVM.threads * THREAD_KIB / 1024
    assert heap + sum(parts) + stacks + BROKER_JVM.page_cache <= limit


def test_a_cluster_id_is_what_kafka_takes_for_one() -> None:
    ids = {random_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    for cluster_id in ids:
        assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
        assert not cluster_id.startswith("-")


def test_the_cluster_id_never_changes() -> None:
    provider = ClusterIdProvider()
    made = provider.create({}).outs
    assert made is not None
    assert provider.diff("id", made, {"value": None}).changes is False


@pytest.mark.parametrize(("present", "wanted"), [(3, 5), (5, 3), (1, 3), (3, 2)])
def test_a_running_cluster_keeps_its_number_of_brokers(present: float, wanted: int) -> None:
    found = ClusterIdProvider().check({"brokers": float(present)}, {"brokers": wanted})
    (failure,) = found.failures
    assert failure.property == "brokers"
    assert f"datapipe:kafka.brokers can't change from {present} to {wanted}" in failure.reason
    assert f"Set it to {present}." in failure.reason


@pytest.mark.parametrize("olds", [{}, {"brokers": 5.0}])
def test_a_new_cluster_and_an_unchanged_one_have_the_brokers_of_the_stack_file(
    olds: dict[str, float],
) -> None:
    assert not ClusterIdProvider().check(olds, {"brokers": 5}).failures


def test_the_number_of_brokers_is_kept_with_the_clusters_id() -> None:
    five = deploy_stack(sandbox(kafka={"brokers": 5}))
    assert five.one("KafkaClusterId", "kafka-cluster-id").inputs["brokers"] == 5


def test_of_five_brokers_each_is_a_controller_with_a_service_and_a_share_of_the_volumes() -> None:
    config = design(kafka={"brokers": 5})
    voters = properties(config)["controller.quorum.voters"].split(",")
    assert voters == [f"{n + 1}@kafka-{n}.{HEADLESS}:9093" for n in range(5)]
    deployed = deploy_stack(sandbox(kafka={"brokers": 5}))
    spec = deployed.one("StatefulSet", "kafka").inputs["spec"]
    assert spec["replicas"] == 5
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "2048Mi"
    for ordinal in range(5):
        service = deployed.one("Service", f"kafka-{ordinal}-external").inputs["spec"]
        assert [port["nodePort"] for port in service["ports"]] == [30092 + ordinal]
