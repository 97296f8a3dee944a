"""Network connections that are allowed: their ends as data."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from components.workloads import Workload

HTTPS = 443

PRIVATE_RANGES = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # carrier-grade NAT, used for pods by some clouds
    "169.254.0.0/16",  # link-local: the cloud's metadata service issues credentials there
)


@dataclass(frozen=True)
class Network:
    """A range of addresses outside the pipeline."""

    cidr: str
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pods:
    """Pods of another namespace."""

    namespace: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Flow:
    """Allowed TCP connections from a source to some ports of a target."""

    source: Workload | Network | Pods
    target: Workload | Network
    ports: tuple[int, ...]
    reason: str


PUBLIC_INTERNET = Network("0.0.0.0/0", excluded=PRIVATE_RANGES)


def flow_to_aws(endpoint: str | None, source: Workload = Workload.CONNECT) -> Flow:
    """Return the flow to AWS, or only to the server that replaces it (`aws.endpoint`)."""
    if endpoint is None:
        return Flow(source, PUBLIC_INTERNET, (HTTPS,), "AWS over HTTPS")
    url = urlsplit(endpoint)
    port = url.port or (HTTPS if url.scheme == "https" else 80)
    return Flow(source, Network(f"{url.hostname}/32"), (port,), "stand-in for AWS")
