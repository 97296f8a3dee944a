"""The brokers: a StatefulSet of combined brokers and controllers, and the ways to reach them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.metrics import MetricsSettings
from components.images import ImageFamilyTable
from components.manifests import Manifest, metadata, rollout_annotations
from components.row_size import RowSize
from components.sizing import BROKER_JVM, Resources
from components.streaming.access.layer import (
    Identity,
    certificate_mount,
    certificate_secret,
    certificate_volume,
)
from components.streaming.kafka.cluster_id import KafkaClusterId
from components.streaming.kafka.configuration import (
    HEADLESS_SERVICE,
    KAFKA,
    LOG_DIR,
    VOLUME_DIR,
    KafkaNetwork,
    node_properties,
    shared_properties,
)
from components.streaming.metrics.exporter import (
    agent_environment,
    agent_files,
    metrics_ports,
    rules_of,
)
from components.streaming.pods import (
    config_mount,
    config_volume,
    environment,
    jvm_environment,
    pod_disruption_budget,
    pod_metadata,
    read_files,
    scratch_mount,
    scratch_volume,
    spread_over_nodes,
    spread_over_zones,
    tcp_probe,
)
from components.streaming.properties import render_properties
from components.workloads import CONFIG_DIR, Workload, container_security_context

# The rendered settings and the codecs' libraries.
SCRATCH_SIZE = "64Mi"

# Seconds to move leadership to the other brokers and close the logs; 8 were measured at full load.
GRACE_SECONDS = 60

# A broker must have been ready for so long before a rolling update takes the next one.
#
# Ready means that it has the cluster's metadata and serves clients; its replicas may still lag. At
# the design's full load they had caught up 4 seconds later, but nothing proves it: an update during
# a long catch-up can leave partitions with one replica in sync, and these then refuse writes
# (min.insync.replicas) until it is over. No acknowledged record is lost; the producers wait.
CATCH_UP_SECONDS = 20

# Of the pod template, where kafka.security is tls.
TRANSPORT_ANNOTATION = "datapipe/kafka-security"

# The storage tool runs for two seconds: no use in optimizing its code.
SHORT_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"


@dataclass(frozen=True)
class BrokersArgs:
    """What the brokers are made of."""

    network: KafkaNetwork
    """the brokers' settings, and where they are found"""
    resources: Resources
    """of each broker"""
    storage: int
    """MiB of each broker's volume"""
    metrics: MetricsSettings
    images: ImageFamilyTable
    namespace: pulumi.Input[str]
    identity: Identity | None
    """None: their listeners are plaintext"""


class Brokers(pulumi.ComponentResource):
    """The Kafka cluster."""

    ready: list[pulumi.Resource]
    """what a client must wait for: all brokers serve, inside the cluster and outside"""

    def __init__(
        self, name: str, args: BrokersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Brokers", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        files = broker_files(args.network)
        holds_data = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(protect=args.network.settings.protect)
        )
        cluster_id = KafkaClusterId(
            "kafka-cluster-id", args.network.settings.brokers, opts=holds_data
        )
        config_map = kubernetes.core.v1.ConfigMap(
            KAFKA,
            metadata=metadata(KAFKA, args.namespace, Workload.KAFKA),
            data=files,
            opts=child,
        )
        secrets = [
            certificate_secret(Workload.KAFKA, identity, args.namespace, child)
            for identity in [args.identity]
            if identity is not None
        ]
        headless = _service(HEADLESS_SERVICE, args.namespace, _headless_spec(args), child)
        stateful_set = kubernetes.apps.v1.StatefulSet(
            KAFKA,
            metadata={
                **metadata(KAFKA, args.namespace, Workload.KAFKA),
                "annotations": rollout_annotations(args.network.settings.brokers),
            },
            spec=stateful_set_spec(args, files, cluster_id.value),
            opts=pulumi.ResourceOptions.merge(
                holds_data,
                pulumi.ResourceOptions(
                    depends_on=[config_map, headless, *secrets],
                    # A broker that has changed could not join those that have not: all are stopped,
                    # and started on their volumes.
                    replace_on_changes=[
                        f'spec.template.metadata.annotations["{TRANSPORT_ANNOTATION}"]'
                    ],
                    # Pulumi would create the new one first, which has the same name.
                    delete_before_replace=True,
                ),
            ),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            KAFKA,
            metadata=metadata(KAFKA, args.namespace, Workload.KAFKA),
            # With three replicas of each partition, two stay in sync.
            spec=pod_disruption_budget(Workload.KAFKA),
            opts=child,
        )
        services = [
            _service(name, args.namespace, spec, child)
            for name, spec in client_services(args.network).items()
        ]
        self.ready = [stateful_set, *services]
        self.register_outputs({"bootstrap": args.network.bootstrap})


def broker_files(network: KafkaNetwork) -> dict[str, str]:
    """Scripts and configuration, by the name that they have in CONFIG_DIR."""
    own = {
        f"{network.pod(ordinal)}.properties": render_properties(node_properties(network, ordinal))
        for ordinal in range(network.settings.brokers)
    }
    return {
        **read_files(Path(__file__).parent / "files"),
        **agent_files(rules_of("broker")),
        "server.properties": render_properties(shared_properties(network)),
        **own,
    }


def client_services(network: KafkaNetwork) -> dict[str, Manifest]:
    """Return the Services for clients: any broker inside the cluster, each broker outside."""
    port = network.settings.port
    services: dict[str, Manifest] = {
        KAFKA: {
            "selector": Workload.KAFKA.selector,
            "ports": [{"name": "internal", "port": port, "targetPort": "internal"}],
        }
    }
    node_ports = network.cluster.node_ports
    if node_ports is not None:
        for ordinal in range(network.settings.brokers):
            services[f"{network.pod(ordinal)}-external"] = _external_spec(
                network, ordinal, node_ports.first_broker + ordinal
            )
    return services


def stateful_set_spec(
    args: BrokersArgs, files: dict[str, str], cluster_id: pulumi.Input[str]
) -> Manifest:
    """Return the spec; all brokers start in parallel, because one alone could not form a quorum."""
    settings, cluster = args.network.settings, args.network.cluster
    claim = {
        "metadata": {"name": "data", "labels": Workload.KAFKA.labels},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": cluster.storage_class,
            "resources": {"requests": {"storage": f"{args.storage}Mi"}},
        },
    }
    return {
        "replicas": settings.brokers,
        "serviceName": HEADLESS_SERVICE,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "minReadySeconds": CATCH_UP_SECONDS,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "selector": {"matchLabels": Workload.KAFKA.selector},
        "template": {
            "metadata": _pod_metadata(args, files),
            "spec": _pod_spec(args, cluster_id),
        },
        "volumeClaimTemplates": [claim],
    }


def _pod_metadata(args: BrokersArgs, files: dict[str, str]) -> Manifest:
    if args.identity is None:
        return pod_metadata(Workload.KAFKA, files, args.metrics)
    about = pod_metadata(Workload.KAFKA, files, args.metrics, args.identity.files())
    about["annotations"][TRANSPORT_ANNOTATION] = args.network.settings.security
    return about


def _pod_spec(args: BrokersArgs, cluster_id: pulumi.Input[str]) -> Manifest:
    return {
        "serviceAccountName": Workload.KAFKA.service_account,
        "automountServiceAccountToken": False,
        # The variables of a Service named kafka (KAFKA_PORT=tcp://…) would pass for settings.
        "enableServiceLinks": False,
        "securityContext": Workload.KAFKA.pod_security_context(),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "affinity": spread_over_nodes(Workload.KAFKA),
        **spread_over_zones(Workload.KAFKA, args.network.cluster.nodes),
        "initContainers": [_format_container(args, cluster_id)],
        "containers": [_broker_container(args)],
        "volumes": [
            config_volume(Workload.KAFKA),
            scratch_volume(SCRATCH_SIZE),
            *([certificate_volume(Workload.KAFKA)] if args.identity else []),
        ],
    }


def _format_container(args: BrokersArgs, cluster_id: pulumi.Input[str]) -> Manifest:
    variables: dict[str, pulumi.Input[str]] = {
        **_jvm(args),
        "KAFKA_JVM_PERFORMANCE_OPTS": SHORT_JVM,
        "STORAGE_COMMAND": args.images.storage_command,
        "DATA_DIR": LOG_DIR,
        "CLUSTER_ID": cluster_id,
    }
    return {
        **_container("format-storage", args),
        "command": ["sh", f"{CONFIG_DIR}/format-storage.sh"],
        "env": [_pod_name(), *environment(variables)],
    }


def _broker_container(args: BrokersArgs) -> Manifest:
    """Return the broker, with probes that only open a connection.

    A probe by Kafka's own tools would start a JVM each time, which takes seconds of the half CPU
    that the broker has. The ports say enough: the controller's opens when the process has started,
    the brokers' only when the quorum is there and this broker has caught up with its metadata.
    Liveness looks at the former: a broker that waits for the others is not to be killed.
    """
    settings = args.network.settings
    ports = {"internal": settings.port, "controller": settings.controller_port}
    if args.network.cluster.node_ports is not None:
        ports["external"] = settings.external_port
    variables = {
        **_jvm(args),
        "BROKER_COMMAND": args.images.broker_command,
        **agent_environment(args.metrics, args.images, CONFIG_DIR),
    }
    return {
        **_container("kafka", args),
        "command": ["sh", f"{CONFIG_DIR}/start-broker.sh"],
        "env": [_pod_name(), *environment(variables)],
        "ports": [
            *({"name": name, "containerPort": port} for name, port in ports.items()),
            *metrics_ports(args.metrics),
        ],
        # Five minutes: after an unclean stop every log is checked before the ports open.
        "startupProbe": tcp_probe("controller", period=5, failures=60),
        "livenessProbe": tcp_probe("controller", period=20, failures=3),
        "readinessProbe": tcp_probe("internal", period=5, failures=3),
    }


def _container(name: str, args: BrokersArgs) -> Manifest:
    return {
        "name": name,
        "image": args.images.kafka,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": container_security_context(),
        "resources": args.resources.manifest(),
        "volumeMounts": [
            config_mount(CONFIG_DIR),
            scratch_mount(),
            {"name": "data", "mountPath": VOLUME_DIR},
            *([certificate_mount()] if args.identity else []),
        ],
    }


def _jvm(args: BrokersArgs) -> dict[str, str]:
    profile = RowSize(args.network.settings.max_row_size).jvm(BROKER_JVM)
    return jvm_environment("KAFKA", args.resources, profile, CONFIG_DIR)


def _pod_name() -> Manifest:
    return {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def _service(
    name: str, namespace: pulumi.Input[str], spec: Manifest, opts: pulumi.ResourceOptions
) -> kubernetes.core.v1.Service:
    return kubernetes.core.v1.Service(
        name, metadata=metadata(name, namespace, Workload.KAFKA), spec=spec, opts=opts
    )


def _headless_spec(args: BrokersArgs) -> Manifest:
    """Return a Service that publishes each broker's name before it is ready, as brokers need it."""
    settings = args.network.settings
    ports = {"internal": settings.port, "controller": settings.controller_port}
    return {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": Workload.KAFKA.selector,
        "ports": [{"name": name, "port": port, "targetPort": name} for name, port in ports.items()],
    }


def _external_spec(network: KafkaNetwork, ordinal: int, node_port: int) -> Manifest:
    """Return a Service for one broker on one port of every node.

    externalTrafficPolicy Cluster: the client may ask any node, also one without this broker. Such
    a connection comes from the node's address, which is what the network policy lets in.
    """
    port = network.settings.external_port
    return {
        "type": "NodePort",
        "externalTrafficPolicy": "Cluster",
        "selector": {"statefulset.kubernetes.io/pod-name": network.pod(ordinal)},
        "ports": [
            {"name": "external", "port": port, "targetPort": "external", "nodePort": node_port}
        ],
    }
