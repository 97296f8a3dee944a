"""Schema Registry: a Deployment of one, its users and its Service.

The kafka pods keep the schemas, in the registry's topic; the registry itself stores nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.config.metrics import MetricsSettings
from components.config.streaming import RegistrySettings
from components.images import ImageFamilyTable
from components.manifests import Manifest, metadata
from components.security.credentials import Credentials
from components.sizing import REGISTRY_JVM, Resources
from components.streaming.access.layer import (
    Identity,
    certificate_mount,
    certificate_secret,
    certificate_volume,
)
from components.streaming.access.transport import AUTHORITY_FILE, Transport
from components.streaming.kafka.configuration import KafkaNetwork
from components.streaming.metrics.exporter import (
    agent_environment,
    agent_files,
    metrics_ports,
    rules_of,
)
from components.streaming.pods import (
    environment,
    jvm_environment,
    pod_metadata,
    read_files,
    scratch_mount,
    scratch_volume,
    tcp_probe,
)
from components.streaming.properties import render_properties
from components.streaming.registry.configuration import (
    DEVELOPER_USER,
    LOCALHOST,
    PROBE_USER,
    probe_netrc,
    registry_properties,
    user_properties,
)
from components.workloads import CONFIG_DIR, Workload, container_security_context

REGISTRY = Workload.REGISTRY.value
SCRATCH_SIZE = "64Mi"
GRACE_SECONDS = 30


@dataclass(frozen=True)
class RegistryArgs:
    """What the registry is made of."""

    settings: RegistrySettings
    resources: Resources
    metrics: MetricsSettings
    images: ImageFamilyTable
    namespace: pulumi.Input[str]
    credentials: Credentials
    network: KafkaNetwork
    """of the brokers"""
    identity: Identity | None
    """None: connections to it and to the brokers are plaintext"""


class Registry(pulumi.ComponentResource):
    """Schema Registry."""

    ready: list[pulumi.Resource]
    """what a converter must wait for: subjects can be listed"""

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:streaming:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        files = registry_files(args)
        secrets = login_files(args.credentials)
        about = metadata(REGISTRY, args.namespace, Workload.REGISTRY)
        config_map = kubernetes.core.v1.ConfigMap(REGISTRY, metadata=about, data=files, opts=child)
        secret = kubernetes.core.v1.Secret(
            REGISTRY, metadata=about, string_data=secrets, opts=child
        )
        mounted = [config_map, secret]
        if args.identity is not None:
            mounted.append(
                certificate_secret(Workload.REGISTRY, args.identity, args.namespace, child)
            )
        deployment = kubernetes.apps.v1.Deployment(
            REGISTRY,
            metadata=about,
            spec=deployment_spec(args, files, secrets),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=mounted)),
        )
        service = kubernetes.core.v1.Service(
            REGISTRY, metadata=about, spec=_service_spec(args), opts=child
        )
        self.ready = [deployment, service]
        self.register_outputs({"service": REGISTRY})


def registry_files(args: RegistryArgs) -> dict[str, str]:
    """Return the files in CONFIG_DIR that are not secret."""
    return {
        **read_files(Path(__file__).parent / "files"),
        **agent_files(rules_of("registry")),
        "schema-registry.properties": render_properties(
            registry_properties(args.settings, args.network)
        ),
    }


def login_files(credentials: Credentials) -> dict[str, pulumi.Input[str]]:
    """Return the files in CONFIG_DIR that are secret."""
    passwords = pulumi.Output.all(
        **{
            "admin": credentials.registry_admin,
            DEVELOPER_USER: credentials.registry_developer,
            PROBE_USER: credentials.registry_probe,
        }
    )
    return {
        "user.properties": passwords.apply(user_properties),
        "netrc": passwords.apply(probe_netrc),
    }


def deployment_spec(
    args: RegistryArgs, files: dict[str, str], secrets: dict[str, pulumi.Input[str]]
) -> Manifest:
    """Return a rolling update without a second registry, for which there is no memory budget."""
    certificate = args.identity.files() if args.identity else {}
    read_at_start = {**secrets, **certificate}
    return {
        "replicas": 1,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
        },
        "selector": {"matchLabels": Workload.REGISTRY.selector},
        "template": {
            "metadata": pod_metadata(Workload.REGISTRY, files, args.metrics, read_at_start),
            "spec": {
                "serviceAccountName": Workload.REGISTRY.service_account,
                "automountServiceAccountToken": False,
                # SCHEMA_REGISTRY_PORT=tcp://… would pass for a setting.
                "enableServiceLinks": False,
                "securityContext": Workload.REGISTRY.pod_security_context(),
                "terminationGracePeriodSeconds": GRACE_SECONDS,
                "containers": [_container(args)],
                "volumes": [
                    _files_volume(),
                    scratch_volume(SCRATCH_SIZE),
                    *([certificate_volume(Workload.REGISTRY)] if args.identity else []),
                ],
            },
        },
    }


def _container(args: RegistryArgs) -> Manifest:
    variables = {
        **jvm_environment("SCHEMA_REGISTRY", args.resources, REGISTRY_JVM, CONFIG_DIR),
        "SCHEMA_REGISTRY_OPTS": f"-Djava.security.auth.login.config={CONFIG_DIR}/jaas.conf",
        **agent_environment(args.metrics, args.images, CONFIG_DIR),
    }
    return {
        "name": REGISTRY,
        "image": args.images.registry,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", f"{CONFIG_DIR}/start-registry.sh"],
        "env": environment(variables),
        "ports": [
            {"name": "rest", "containerPort": args.settings.port},
            *metrics_ports(args.metrics),
        ],
        "securityContext": container_security_context(),
        "resources": args.resources.manifest(),
        "volumeMounts": [
            {"name": "files", "mountPath": CONFIG_DIR, "readOnly": True},
            scratch_mount(),
            *([certificate_mount()] if args.identity else []),
        ],
        "startupProbe": tcp_probe("rest", period=5, failures=60),
        "livenessProbe": tcp_probe("rest", period=20, failures=3),
        "readinessProbe": _readiness(args.settings.port, args.network.transport),
    }


def _readiness(port: int, transport: Transport) -> Manifest:
    """Return a probe that lists the subjects as `probe`, whose password curl reads from a file.

    An httpGet probe would need it in an Authorization header in the pod's manifest, for everyone
    to read who may look at pods.
    """
    command = ["curl", "--silent", "--fail", "--output", "/dev/null"]
    login = ["--netrc-file", f"{CONFIG_DIR}/netrc"]
    trust = ["--cacert", AUTHORITY_FILE] if transport.encrypted else []
    url = f"{transport.rest_scheme}://{LOCALHOST}:{port}/subjects"
    return {
        "exec": {"command": [*command, *login, *trust, url]},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": 3,
    }


def _files_volume() -> Manifest:
    """Return what CONFIG_DIR holds: configuration and logins."""
    return {
        "name": "files",
        "projected": {
            "defaultMode": 0o440,
            "sources": [{"configMap": {"name": REGISTRY}}, {"secret": {"name": REGISTRY}}],
        },
    }


def _service_spec(args: RegistryArgs) -> Manifest:
    return {
        "selector": Workload.REGISTRY.selector,
        "ports": [{"name": "rest", "port": args.settings.port, "targetPort": "rest"}],
    }
