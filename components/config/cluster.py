"""Where the pipeline runs: Kubernetes (`datapipe:cluster`) and AWS (`datapipe:aws`)."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from components.settings import Settings


class NodePorts(Settings):
    """Ports on every node for clients outside the cluster (design: NodePort access)."""

    postgresql: int = Field(default=30432, ge=30000, le=32767)
    first_broker: int = Field(
        default=30092, ge=30000, le=32700, description="broker n listens on this port + n"
    )


class ClusterSettings(Settings):
    """The Kubernetes cluster; its API server is found as kubectl finds it."""

    context: str | None = Field(
        default=None, description="kubeconfig context; the current one by default"
    )
    storage_class: str = "local-path"
    nodes: int = Field(default=2, ge=1, description="worker nodes, for spreading and budgets")
    node_network: IPv4Network = Field(
        default=IPv4Network("172.18.0.0/16"),
        description="addresses of the nodes; NodePort traffic and the API server come from there",
    )
    node_ports: NodePorts | None = Field(
        default=NodePorts(), description="null: nothing is reachable from outside the cluster"
    )
    external_host: str = Field(
        default="127.0.0.1", description="where clients outside reach the node ports"
    )


class AwsSettings(Settings):
    """The AWS account; credentials come from the environment as for any AWS tool."""

    region: str = Field(default="us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+$",
        description="of an AWS stand-in such as moto, as reached from here and from the pods",
    )

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_an_address(cls, endpoint: str | None) -> str | None:
        """A NetworkPolicy, which must let the pods reach it, knows addresses and no names."""
        if endpoint is None:
            return None
        host = urlsplit(endpoint).hostname or ""
        try:
            IPv4Address(host)
        except AddressValueError:
            raise ValueError(
                f"{endpoint} names its host as {host!r}; give the IPv4 address under which the"
                " pods reach it, e.g. http://10.0.0.1:5566"
            ) from None
        return endpoint
