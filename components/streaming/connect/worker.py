"""The Connect workers: a Deployment, its Service, and what the connectors read from it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.captured_database import CapturedDatabase
from components.config.metrics import MetricsSettings
from components.config.streaming import ConnectSettings
from components.images import ImageFamilyTable
from components.manifests import Manifest, metadata
from components.row_size import RowSize
from components.sizing import CONNECT_JVM, Resources
from components.streaming.access.layer import (
    Identity,
    certificate_mount,
    certificate_secret,
    certificate_volume,
)
from components.streaming.access.transport import Transport
from components.streaming.connect.configuration import (
    PLUGINS_OF_OURS,
    POD_IP,
    worker_properties,
)
from components.streaming.connect.plugins import (
    DEBEZIUM,
    PLUGIN_DIR,
    PluginArchive,
    install_arguments,
    warn_of_unpinned,
)
from components.streaming.metrics.exporter import (
    agent_environment,
    agent_files,
    metrics_ports,
    worker_rules,
)
from components.streaming.pods import (
    aws_role_variables,
    aws_token_mount,
    aws_token_volume,
    config_mount,
    config_volume,
    environment,
    http_probe,
    jvm_environment,
    pod_disruption_budget,
    pod_metadata,
    read_files,
    scratch_mount,
    scratch_volume,
    spread_over_nodes,
    spread_over_zones,
)
from components.streaming.properties import render_properties
from components.workloads import CONFIG_DIR, Workload, container_security_context

HERE = Path(__file__).parent
CONNECT = Workload.CONNECT.value
# How long it may take to stop the tasks (TASK_SHUTDOWN_MS), leave the group and stop the JVM.
GRACE_SECONDS = 45
# The parts of files that the Iceberg sink keeps there until they are uploaded.
SCRATCH_SIZE = "512Mi"
PLUGINS_SIZE = "512Mi"
# What we bring to the worker ourselves: transforms.jar (FlattenChanges keeps NULL apart from a
# column's default and keeps TRUNCATE, LimitRowSize refuses rows that are too large for Kafka,
# CountEvents counts by table and operation), extensions.jar (RestartFailed, WaitingRecords),
# json.jar (ExactJsonConverter), registry.jar (RegistryConverter waits for Schema Registry), and
# three that are in the folder of the plug-in that loads them: values.jar (ExactValues,
# CapturedTables, WaitingReads) with Debezium, and commit-counter.jar (CommitCounter) and
# column-kinds.jar (SeparateKinds) with Iceberg's sink.
OWN_JARS = HERE.parents[2] / "java"
VALUES = "values.jar"


@dataclass(frozen=True)
class WorkerArgs:
    """What the workers are made of."""

    settings: ConnectSettings
    resources: Resources
    metrics: MetricsSettings
    images: ImageFamilyTable
    namespace: pulumi.Input[str]
    nodes: int
    """of the cluster, over whose zones the workers are spread"""
    mounts_token: bool
    """whether the pods get their service account's token for the Kubernetes API"""
    bootstrap: str
    """of the brokers, inside the cluster"""
    replication_factor: int
    """of Connect's own topics"""
    row_size: RowSize
    """of the largest rows"""
    databases: tuple[CapturedDatabase, ...]
    """captured; the metrics name their topics"""
    lag_of: str
    """the sink connector whose lag the metrics show"""
    authorities: Mapping[str, pulumi.Input[str]]
    """by file, PEM of the certificate authorities of the databases' servers"""
    captured_tables_queries: Mapping[str, pulumi.Input[str]]
    """by file, with which the source connectors watch their tables"""
    role_arn: pulumi.Input[str] | None
    """the AWS role that the pods take on; None: the access keys among the secrets"""
    plugins: list[PluginArchive]
    """installed when a worker starts"""
    sink_jars: Mapping[str, str]
    """where jars that sinks need are mounted in the container, with their names in java/"""
    environment: Mapping[str, pulumi.Input[str]]
    """environment variables that are not secret"""
    secrets: Mapping[str, pulumi.Input[str]]
    """environment variables that are"""
    transport: Transport
    """of the connections to the brokers"""
    identity: Identity | None
    """None: these are plaintext"""

    @property
    def variables(self) -> frozenset[str]:
        """The names that connectors may refer to as ${env:NAME}."""
        return frozenset({*self.environment, *self.secrets})


class Worker(pulumi.ComponentResource):
    """Kafka Connect."""

    ready: list[pulumi.Resource]
    """what a connector must wait for: the REST API answers"""

    def __init__(
        self, name: str, args: WorkerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Worker", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        warn_of_unpinned(args.plugins)
        files = worker_files(args)
        about = metadata(CONNECT, args.namespace, Workload.CONNECT)
        config_map = kubernetes.core.v1.ConfigMap(
            CONNECT,
            metadata=about,
            data={
                **files,
                **args.authorities,
                # The connectors read them again for each check, so they restart no pod.
                **args.captured_tables_queries,
            },
            binary_data=jars(args),
            opts=child,
        )
        secret = kubernetes.core.v1.Secret(
            CONNECT, metadata=about, string_data=args.secrets, opts=child
        )
        mounted = [config_map, secret]
        if args.identity is not None:
            mounted.append(
                certificate_secret(Workload.CONNECT, args.identity, args.namespace, child)
            )
        deployment = kubernetes.apps.v1.Deployment(
            CONNECT,
            metadata=about,
            spec=deployment_spec(args, files),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=mounted)),
        )
        service = kubernetes.core.v1.Service(
            CONNECT, metadata=about, spec=_service_spec(args), opts=child
        )
        if args.settings.workers > 1:  # a budget for one pod would only block its drain
            kubernetes.policy.v1.PodDisruptionBudget(
                CONNECT, metadata=about, spec=pod_disruption_budget(Workload.CONNECT), opts=child
            )
        self.ready = [deployment, service]
        self.register_outputs({"service": CONNECT})


def worker_files(args: WorkerArgs) -> dict[str, str]:
    """Scripts and configuration, by the name that they have in CONFIG_DIR."""
    properties = worker_properties(
        args.settings, args.images, args.replication_factor, args.bootstrap, args.variables
    )
    # The worker's own clients, then those of its connectors.
    security = args.transport.client_properties("", "producer.", "consumer.", "admin.")
    return {
        **read_files(HERE / "files"),
        **agent_files(worker_rules(args.databases, args.lag_of)),
        "connect-distributed.properties": render_properties({**properties, **security}),
    }


def deployment_spec(args: WorkerArgs, files: dict[str, str]) -> Manifest:
    """Return a rolling update without an extra worker, for which there is no memory budget."""
    certificate = args.identity.files() if args.identity else {}
    read_at_start = {**args.secrets, **args.authorities, **certificate}
    return {
        "replicas": args.settings.workers,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
        },
        "selector": {"matchLabels": Workload.CONNECT.selector},
        "template": {
            "metadata": pod_metadata(
                Workload.CONNECT, {**files, **jars(args)}, args.metrics, read_at_start
            ),
            "spec": _pod_spec(args),
        },
    }


def _pod_spec(args: WorkerArgs) -> Manifest:
    volumes = [config_volume(Workload.CONNECT), scratch_volume(SCRATCH_SIZE)]
    if args.role_arn is not None:
        volumes.append(aws_token_volume())
    if args.identity is not None:
        volumes.append(certificate_volume(Workload.CONNECT))
    installers: Manifest = {}
    if args.plugins:
        volumes.append({"name": "plugins", "emptyDir": {"sizeLimit": PLUGINS_SIZE}})
        installers = {"initContainers": [_plugin_installer(args)]}
    return {
        "serviceAccountName": Workload.CONNECT.service_account,
        "automountServiceAccountToken": args.mounts_token,
        # The variables of a Service named kafka (KAFKA_PORT=tcp://…) would pass for settings.
        "enableServiceLinks": False,
        "securityContext": Workload.CONNECT.pod_security_context(),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "affinity": spread_over_nodes(Workload.CONNECT),
        **spread_over_zones(Workload.CONNECT, args.nodes),
        **installers,
        "containers": [_worker_container(args)],
        "volumes": volumes,
    }


def _worker_container(args: WorkerArgs) -> Manifest:
    """Return the worker. It is ready when it has joined its group and answers for it.

    Starting takes 30 to 60 s on one CPU. Liveness asks only for the server's own page, which a
    rebalance does not hold up; readiness asks the group, and forgives half a minute of it.
    """
    variables: dict[str, pulumi.Input[str]] = {
        **jvm_environment(
            "KAFKA",
            args.resources,
            args.row_size.jvm(CONNECT_JVM),
            CONFIG_DIR,
            args.settings.collector,
        ),
        "WORKER_COMMAND": args.images.worker_command,
        **agent_environment(args.metrics, args.images, CONFIG_DIR),
        **args.environment,
    }
    mounts = [config_mount(CONFIG_DIR), *_jar_mounts(args), scratch_mount()]
    if args.role_arn is not None:
        variables |= aws_role_variables(args.role_arn)
        mounts.append(aws_token_mount())
    if args.plugins:
        mounts.append({"name": "plugins", "mountPath": PLUGIN_DIR, "readOnly": True})
    if args.identity is not None:
        mounts.append(certificate_mount())
    return {
        "name": CONNECT,
        "image": args.images.connect,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", f"{CONFIG_DIR}/start-worker.sh"],
        "env": [_pod_ip(), *environment(variables)],
        "envFrom": [{"secretRef": {"name": CONNECT}}],
        "ports": [
            {"name": "rest", "containerPort": args.settings.port},
            *metrics_ports(args.metrics),
        ],
        "securityContext": container_security_context(),
        "resources": args.resources.manifest(),
        "volumeMounts": mounts,
        "startupProbe": http_probe("rest", "/connectors", period=5, failures=60),
        "livenessProbe": http_probe("rest", "/", period=20, failures=3),
        "readinessProbe": http_probe("rest", "/connectors", period=10, failures=3),
    }


def _plugin_installer(args: WorkerArgs) -> Manifest:
    """Return the container that runs before the worker; it may use the worker's resources."""
    return {
        "name": "install-plugins",
        "image": args.images.plugin_installer,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", f"{CONFIG_DIR}/install-plugins.sh"],
        "args": install_arguments(args.plugins),
        "env": environment(
            {
                "PLUGIN_DIR": PLUGIN_DIR,
                "TMPDIR": PLUGIN_DIR,
                "DEBEZIUM_FOLDER": DEBEZIUM.folder,
                "DEBEZIUM_JARS": f"{CONFIG_DIR}/{VALUES}",
            }
        ),
        "securityContext": container_security_context(),
        "resources": args.resources.manifest(),
        "volumeMounts": [
            config_mount(CONFIG_DIR),
            scratch_mount(),
            {"name": "plugins", "mountPath": PLUGIN_DIR},
        ],
    }


def _jar_paths(args: WorkerArgs) -> dict[str, str]:
    """Return where our own jars are mounted in the container, with their names in java/."""
    # Alone in a folder: each folder of the plugin path is a plugin.
    of_avro = ("registry",) if args.settings.converter == "avro" else ()
    own = {
        f"{PLUGINS_OF_OURS}/{name}/{name}.jar": f"{name}.jar"
        for name in ("transforms", "extensions", "json", *of_avro)
    }
    # A folder that is filled when the pod starts has no place for a mount; it gets a copy.
    in_image = {} if args.plugins else {f"{args.images.debezium_plugin}/{VALUES}": VALUES}
    return {**own, **in_image, **args.sink_jars}


def jars(args: WorkerArgs) -> dict[str, str]:
    """Return our own jars by name, in base64 as a ConfigMap keeps them."""
    names = {VALUES, *_jar_paths(args).values()}
    return {
        name: base64.b64encode((OWN_JARS / name).read_bytes()).decode() for name in sorted(names)
    }


def _jar_mounts(args: WorkerArgs) -> list[Manifest]:
    return [
        {"name": "config", "mountPath": path, "subPath": name, "readOnly": True}
        for path, name in _jar_paths(args).items()
    ]


def _pod_ip() -> Manifest:
    """By which workers reach each other: a Deployment's pods have no names in the DNS."""
    return {"name": POD_IP, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


def _service_spec(args: WorkerArgs) -> Manifest:
    return {
        "selector": Workload.CONNECT.selector,
        "ports": [{"name": "rest", "port": args.settings.port, "targetPort": "rest"}],
    }
