"""A whole stack with its four layers, as the program declares it, for the streaming tests."""

from typing import Any

import pulumi

from components.archive import Archive, ArchiveArgs
from components.config import StackConfig, parse
from components.config.tables import SAMPLE_TABLES
from components.security import Security, SecurityArgs
from components.source import Source, SourceArgs
from components.streaming.layer import Streaming, StreamingArgs
from kafka_connect.cluster_access import ClusterAccess
from tests.unit.deployment import Deployment, deploy

SANDBOX: dict[str, Any] = {
    "images": {"family": "sandbox"},
    "connect": {"converter": "json", "plugins": "image"},
    "archive": {"sink": "iceberg", "tasks": 2},
    "aws": {"endpoint": "http://10.231.0.1:5566"},
}
"""The sections in which the sandbox differs from the design."""


def design(**sections: Any) -> StackConfig:
    """The design's stack, with some sections changed."""
    archive = {"bucket": "datapipe-ingestion-test", **sections.pop("archive", {})}
    required = {"tables": SAMPLE_TABLES, "archive": archive}
    return parse({**required, **sections}, "Pulumi.test.yaml")


def sandbox(**sections: Any) -> StackConfig:
    """The sandbox's stack, with some sections changed."""
    changed = {name: {**SANDBOX.get(name, {}), **section} for name, section in sections.items()}
    return design(**{**SANDBOX, **changed})


def declare_streaming(config: StackConfig) -> Streaming:
    """Declare every layer; returns the streaming one."""
    images = config.images.resolve()
    cluster = ClusterAccess(context=config.cluster.context)
    security = Security(
        "security",
        SecurityArgs.of(config),
    )
    source = Source(
        "source",
        SourceArgs.of(config, security.namespace, security.credentials),
    )
    archive = Archive(
        "archive",
        ArchiveArgs.of(config, security.namespace),
    )
    return Streaming(
        "streaming",
        StreamingArgs(
            config=config,
            images=images,
            namespace=security.namespace,
            credentials=security.credentials,
            source=source,
            archive=archive,
            cluster=cluster,
        ),
    )


def deploy_stack(config: StackConfig) -> Deployment:
    """Everything that a stack registers, and the streaming layer's outputs."""

    def program() -> dict[str, pulumi.Input[Any]]:
        streaming = declare_streaming(config)
        return {
            "bootstrapServers": streaming.bootstrap_servers,
            "connectors": streaming.connectors,
        }

    return deploy(program)
