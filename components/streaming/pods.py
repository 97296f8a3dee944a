"""What the pods of the streaming layer share: a JVM, our own files, and a roll when they change."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pulumi

from components.config.metrics import MetricsSettings
from components.manifests import Manifest
from components.sizing import (
    Collector,
    JvmProfile,
    Resources,
    jvm_collector_options,
    jvm_heap_options,
)
from components.streaming.metrics.exporter import RULES_FILE, scrape_annotations
from components.workloads import Workload

CONFIGURATION = "datapipe/configuration"
CREDENTIALS = "datapipe/credentials"

LOG4J_FILE = "log4j.properties"

AWS_TOKEN_DIR = "/var/run/secrets/sts.amazonaws.com"

# A restarted pod has a new address; the JVM's own 30 s of caching would keep it alone so long.
NAME_CACHE_OPTIONS = "-Dsun.net.inetaddr.ttl=10 -Dsun.net.inetaddr.negative.ttl=2"


def read_files(folder: Path) -> dict[str, str]:
    """Return the files of a folder by name: scripts and configuration that need no rendering."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def checksum(files: Mapping[str, str]) -> str:
    """Return the digest of a pod's files; a pod template with it rolls when a file changes."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def secret_checksum(values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """Return the digest of a pod's secrets, which are long and random, so it reveals nothing."""
    return pulumi.Output.all(**values).apply(checksum)


def pod_metadata(
    workload: Workload,
    files: Mapping[str, str],
    metrics: MetricsSettings,
    secrets: Mapping[str, pulumi.Input[str]] | None = None,
) -> Manifest:
    """Return the metadata of a pod template; it changes when the files read at start change.

    The exporter reads changed rules by itself. They name the tables, and a table that is added is
    no reason to restart a worker.
    """
    read_at_start = {name: text for name, text in files.items() if name != RULES_FILE}
    annotations: dict[str, pulumi.Input[str]] = {
        CONFIGURATION: checksum(read_at_start),
        **scrape_annotations(metrics),
    }
    if secrets:
        annotations[CREDENTIALS] = secret_checksum(secrets)
    return {"labels": workload.labels, "annotations": annotations}


def environment(variables: Mapping[str, pulumi.Input[str]]) -> list[Manifest]:
    """Return the `env` field of a container."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def jvm_environment(
    program: str,
    resources: Resources,
    profile: JvmProfile,
    config_dir: str,
    collector: Collector = "g1",
) -> dict[str, str]:
    """Return the variables by which Kafka's and Confluent's start scripts take a JVM's options.

    `program` is the prefix of the variables: KAFKA (brokers and Connect) or SCHEMA_REGISTRY.
    """
    performance = f"{jvm_collector_options(profile, collector)} {NAME_CACHE_OPTIONS}"
    return {
        f"{program}_HEAP_OPTS": jvm_heap_options(resources.memory_limit, profile),
        f"{program}_JVM_PERFORMANCE_OPTS": performance,
        f"{program}_LOG4J_OPTS": f"-Dlog4j.configuration=file:{config_dir}/{LOG4J_FILE}",
        # Confluent's scripts make this folder; their own EXTRA_ARGS has a collector log go to it.
        "LOG_DIR": "/tmp/logs",  # noqa: S108  the pod's own emptyDir
        "EXTRA_ARGS": f"-name {program.lower()}",
        # glibc keeps an arena of up to 64 MiB per thread and core; two are enough.
        "MALLOC_ARENA_MAX": "2",
    }


def scratch_volume(size: str) -> Manifest:
    """Return an emptyDir for /tmp, the only writable folder except the data; on the node's disk."""
    return {"name": "scratch", "emptyDir": {"sizeLimit": size}}


def scratch_mount() -> Manifest:
    return {"name": "scratch", "mountPath": "/tmp"}  # noqa: S108  the pod's own emptyDir


def config_volume(workload: Workload) -> Manifest:
    """Return the ConfigMap with the workload's name."""
    return {"name": "config", "configMap": {"name": workload.value}}


def config_mount(config_dir: str) -> Manifest:
    return {"name": "config", "mountPath": config_dir, "readOnly": True}


def aws_token_volume() -> Manifest:
    """Return the service account's token for AWS, as EKS's webhook would mount it.

    Its audience is AWS's STS: the Kubernetes API does not accept it.
    """
    token = {"audience": "sts.amazonaws.com", "expirationSeconds": 3600, "path": "token"}
    return {
        "name": "aws-token",
        "projected": {"sources": [{"serviceAccountToken": token}]},
    }


def aws_token_mount() -> Manifest:
    return {"name": "aws-token", "mountPath": AWS_TOKEN_DIR, "readOnly": True}


def aws_role_variables(role_arn: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the variables by which AWS's SDKs take on a role with that token."""
    return {
        "AWS_ROLE_ARN": role_arn,
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{AWS_TOKEN_DIR}/token",
    }


def tcp_probe(port: int | str, period: int, failures: int) -> Manifest:
    """Return a probe without CPU cost in the container: the kubelet only opens a connection."""
    return {
        "tcpSocket": {"port": port},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def http_probe(port: int | str, path: str, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"port": port, "path": path},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def spread_over_zones(workload: Workload, nodes: int) -> Manifest:
    """Pods shared out evenly over the cluster's zones; nothing to share out on a single node.

    ScheduleAnyway, for both workloads: while a zone is away, DoNotSchedule would refuse a pod of
    the others its restart, as they already have more than their share. A broker would wait for
    good, because its volume holds it in its zone. The price is that a zone without room when a
    broker is first scheduled gets none, and the broker's volume then stays where it is.
    """
    if nodes == 1:
        return {}
    constraint = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": workload.selector},
    }
    return {"topologySpreadConstraints": [constraint]}


def pod_disruption_budget(workload: Workload) -> Manifest:
    """Return a budget's spec: a drain takes one pod and waits until it is back."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": workload.selector}}


def spread_over_nodes(workload: Workload) -> Manifest:
    """Anti-affinity: apart where there are nodes enough, together on one node if need be."""
    return {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 100,
                    "podAffinityTerm": {
                        "labelSelector": {"matchLabels": workload.selector},
                        "topologyKey": "kubernetes.io/hostname",
                    },
                }
            ]
        }
    }
