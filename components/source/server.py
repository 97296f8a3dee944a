"""PostgreSQL's StatefulSet and Services, as manifests."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.manifests import Manifest
from components.sizing import Resources
from components.source.configuration import (
    CERTIFICATE,
    CONFIGURATION,
    CREDENTIALS,
    DATA,
    PGDATA,
    SOCKET,
)
from components.workloads import Workload, container_security_context

POSTGRESQL = Workload.POSTGRESQL
CONTAINER = POSTGRESQL.value
POD = f"{POSTGRESQL.value}-0"
HEADLESS_SERVICE = f"{POSTGRESQL.value}-headless"
EXTERNAL_SERVICE = f"{POSTGRESQL.value}-external"
PORT_NAME = "postgresql"


@dataclass(frozen=True)
class ServerFiles:
    """The names of the objects that are mounted into the pod, and digests of their content."""

    configuration: pulumi.Input[str]  # ConfigMap
    credentials: pulumi.Input[str]  # Secret
    certificate: pulumi.Input[str]  # Secret
    # Annotations of the pod, so that a change restarts it: a running server does not reload files.
    digests: dict[str, pulumi.Input[str]]


def stateful_set_spec(
    *,
    image: str,
    postgres_bin: str,
    port: int,
    resources: Resources,
    storage: int,
    storage_class: str,
    files: ServerFiles,
) -> Manifest:
    """Return the spec of one server with one volume of `storage` MiB."""
    return {
        "serviceName": HEADLESS_SERVICE,
        "replicas": 1,
        "selector": {"matchLabels": POSTGRESQL.selector},
        "template": {
            "metadata": {"labels": POSTGRESQL.labels, "annotations": files.digests},
            "spec": {
                "serviceAccountName": POSTGRESQL.service_account,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": POSTGRESQL.pod_security_context(),
                "terminationGracePeriodSeconds": 60,
                "initContainers": [_initialization(image, postgres_bin, resources)],
                "containers": [_server(image, postgres_bin, port, resources)],
                "volumes": _volumes(files),
            },
        },
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data", "labels": POSTGRESQL.labels},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": storage_class,
                    "resources": {"requests": {"storage": f"{storage}Mi"}},
                },
            }
        ],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }


def service_spec(port: int, headless: bool = False, node_port: int | None = None) -> Manifest:
    """Return the spec of a Service with an address, without one (headless) or with a node port."""
    ports: Manifest = {"name": PORT_NAME, "port": port, "targetPort": PORT_NAME}
    spec: Manifest = {"selector": POSTGRESQL.selector, "ports": [ports]}
    if headless:
        spec["clusterIP"] = "None"
    if node_port is not None:
        ports["nodePort"] = node_port
        spec["type"] = "NodePort"
    return spec


def psql_command(postgres_bin: str, port: int) -> list[str]:
    """Return a psql command that runs a script from standard input as superuser."""
    return [
        f"{postgres_bin}/psql",
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        f"--host={SOCKET}",
        f"--port={port}",
        "--username=postgres",
        "--dbname=postgres",
        "--file=-",
    ]


def _initialization(image: str, postgres_bin: str, resources: Resources) -> Manifest:
    return {
        **_container(image, resources, [_credentials_mount()]),
        "name": "initialize",
        "command": ["sh", f"{CONFIGURATION}/initialize.sh"],
        "env": [
            {"name": "POSTGRES_BIN", "value": postgres_bin},
            {"name": "PGDATA", "value": PGDATA},
            {"name": "SUPERUSER_PASSWORD_FILE", "value": f"{CREDENTIALS}/postgres"},
        ],
    }


def _server(image: str, postgres_bin: str, port: int, resources: Resources) -> Manifest:
    is_ready = {
        "exec": {
            "command": [
                f"{postgres_bin}/pg_isready",
                "--quiet",
                f"--host={SOCKET}",
                f"--port={port}",
                "--username=postgres",
            ]
        },
        "timeoutSeconds": 5,
    }
    return {
        **_container(image, resources),
        "name": CONTAINER,
        "command": [
            f"{postgres_bin}/postgres",
            "-D",
            PGDATA,
            "-c",
            f"config_file={CONFIGURATION}/postgresql.conf",
        ],
        "ports": [{"name": PORT_NAME, "containerPort": port}],
        # after a crash, the server replays up to max_wal_size of WAL before it answers
        "startupProbe": {**is_ready, "periodSeconds": 2, "failureThreshold": 300},
        # Each probe is an exec, which costs the node's CPU (docs/TUNING.md). An open port would say
        # too little: it also answers while the server recovers or hangs.
        "readinessProbe": {**is_ready, "periodSeconds": 20},
        "livenessProbe": {**is_ready, "periodSeconds": 60, "failureThreshold": 2},
        # SIGTERM would wait for all clients to disconnect; SIGINT disconnects them
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "kill -INT 1"]}}},
    }


def _credentials_mount() -> Manifest:
    """Return the mount of the superuser's first password, which only initdb needs."""
    return {"name": "credentials", "mountPath": CREDENTIALS, "readOnly": True}


def _container(image: str, resources: Resources, mounts: Sequence[Manifest] = ()) -> Manifest:
    """Return the fields that both containers share; `mounts` are added to the common ones."""
    return {
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": resources.manifest(),
        "securityContext": container_security_context(),
        "volumeMounts": [
            {"name": "data", "mountPath": DATA},
            {"name": "configuration", "mountPath": CONFIGURATION, "readOnly": True},
            {"name": "certificate", "mountPath": CERTIFICATE, "readOnly": True},
            {"name": "socket", "mountPath": SOCKET},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  a volume of this pod
            *mounts,
        ],
    }


def _volumes(files: ServerFiles) -> list[Manifest]:
    group_may_read = 0o440  # the files belong to root and the pod's group
    return [
        {"name": "configuration", "configMap": {"name": files.configuration}},
        {
            "name": "credentials",
            "secret": {"secretName": files.credentials, "defaultMode": group_may_read},
        },
        {
            "name": "certificate",
            "secret": {"secretName": files.certificate, "defaultMode": group_may_read},
        },
        {"name": "socket", "emptyDir": {"sizeLimit": "1Mi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]
