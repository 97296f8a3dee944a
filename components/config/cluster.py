"""Where the pipeline runs: Kubernetes (`datapipe:cluster`) and AWS (`datapipe:aws`)."""

import re
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field

from components.config.addresses import HostName, Network, address_of, require_port
from components.config.kubernetes_names import ProvisionerName, StorageClassName
from components.settings import Pattern, Settings

# Kubernetes' default range of node ports.
FIRST_NODE_PORT = 30000
LAST_NODE_PORT = 32767


# Of a cluster, that Kubernetes supports.
MOST_NODES = 5000


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

    context: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="Context of the kubeconfig; the default is the current one.",
    )
    storage_class: StorageClassName = Field(
        default="local-path",
        description="Storage class of the volumes of PostgreSQL and the brokers (design:"
        ' "PostgreSQL (Source Database)").',
    )
    storage_provisioner: ProvisionerName | None = Field(
        default=None,
        description="Provisioner of the storage class, where the program creates the class with"
        " reclaim policy Retain (kind: rancher.io/local-path); by default the cluster has it.",
    )
    nodes: int = Field(
        default=2,
        ge=1,
        le=MOST_NODES,
        description="Number of worker nodes, over which brokers and workers are spread (design:"
        ' "Kind Cluster Configuration").',
    )
    node_network: Network = Field(
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
    external_host: HostName = Field(
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


_SERVER = re.compile(r"https?://(?P<host>[^/:@\s]+)(:(?P<port>[0-9]{1,5}))?")


def _address_url(endpoint: str) -> str:
    """Require an address: a NetworkPolicy, which lets the pods reach it, allows no names."""
    if "@" in endpoint:
        raise ValueError(
            "must not contain credentials; AWS credentials are read from the environment"
        )
    server = _SERVER.fullmatch(endpoint)
    if server is None:
        raise ValueError("is not the URL of a server; write for example http://10.0.0.1:5566")
    if server["port"]:
        require_port(server["port"])
    if address_of(server["host"]) is None:
        raise ValueError(
            "names its host; write the IPv4 address at which the pods reach it, e.g."
            " http://10.0.0.1:5566"
        )
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
