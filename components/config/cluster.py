"""Where the pipeline runs: Kubernetes (`datapipe:cluster`) and AWS (`datapipe:aws`)."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from components.settings import Pattern, Settings

# Kubernetes' default range of node ports.
FIRST_NODE_PORT = 30000
LAST_NODE_PORT = 32767


class NodePorts(Settings):
    """Ports on every node for clients outside the cluster (design: NodePort access)."""

    postgresql: int = Field(
        default=30432,
        ge=FIRST_NODE_PORT,
        le=LAST_NODE_PORT,
        description='Node port of PostgreSQL (design: "Network Security Implementation").',
    )
    first_broker: int = Field(
        default=30092,
        ge=FIRST_NODE_PORT,
        le=LAST_NODE_PORT,
        description="Node port of broker 0; broker n has this port + n, as a client must reach"
        " each broker by itself.",
    )


class ClusterSettings(Settings):
    """The Kubernetes cluster; its API server is found as kubectl finds it."""

    context: str | None = Field(
        default=None,
        description="Context of the kubeconfig; the default is the current one.",
    )
    storage_class: str = Field(
        default="local-path",
        description="Storage class of the volumes of PostgreSQL and the brokers (design:"
        ' "PostgreSQL (Source Database)").',
    )
    storage_provisioner: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="Provisioner of the storage class, where the program creates the class with"
        " reclaim policy Retain (kind: rancher.io/local-path); by default the cluster has it.",
    )
    nodes: int = Field(
        default=2,
        ge=1,
        description="Number of worker nodes, over which brokers and workers are spread (design:"
        ' "Kind Cluster Configuration").',
    )
    node_network: IPv4Network = Field(
        default=IPv4Network("172.18.0.0/16"),
        description="Addresses of the nodes, from which NodePort traffic and requests through the"
        " API server come, for the network policies and for the policy network-matrix; the"
        " default is kind's network (design:"
        ' "Network Security Implementation").',
    )
    node_ports: NodePorts | None = Field(
        default=NodePorts(),
        description="Ports of the nodes for clients outside the cluster; null closes them.",
    )
    external_host: str = Field(
        default="127.0.0.1",
        description="Host or address by which clients outside the cluster reach the node ports.",
    )


Region = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"[a-z]{2}(-[a-z]+)+-\d", name="AWS region", allowed="a region's code, e.g. us-east-1"
        )
    ),
]


def _address_url(endpoint: str) -> str:
    """Require an address: a NetworkPolicy, which lets the pods reach it, allows no names."""
    url = urlsplit(endpoint)
    if url.scheme not in {"http", "https"} or endpoint != f"{url.scheme}://{url.netloc}":
        raise ValueError("is not the URL of a server; write for example http://10.0.0.1:5566")
    if "@" in url.netloc:
        raise ValueError(
            "must not contain credentials; AWS credentials are read from the environment"
        )
    try:
        IPv4Address(url.hostname or "")
    except AddressValueError:
        raise ValueError(
            "names its host; write the IPv4 address at which the pods reach it, e.g."
            " http://10.0.0.1:5566"
        ) from None
    return endpoint


class AwsSettings(Settings):
    """The AWS account; credentials come from the environment as for any AWS tool."""

    region: Region = Field(
        default="us-east-1",
        description='AWS region of the bucket (design: "Kafka Connect S3 Sink").',
    )
    endpoint: Annotated[str, AfterValidator(_address_url)] | None = Field(
        default=None,
        description="URL of a server that replaces AWS, such as moto, with the address by"
        " which both Pulumi and the pods reach it; the default is AWS itself.",
    )
