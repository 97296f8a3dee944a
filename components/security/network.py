"""Allowed connections (design: "Network Security Implementation"), as data.

All connections are denied by default. `flows()` lists what is allowed; each flow becomes an egress
rule of its source and an ingress rule of its target. Flows name pods and their ports, not Services:
NetworkPolicies apply after a Service's address was translated.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from components.manifests import Manifest
from components.security.arguments import SecurityArgs
from components.workloads import Workload

HTTPS = 443
DNS = 53

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


def flows(args: SecurityArgs) -> list[Flow]:
    """Return every allowed flow of a stack, except name resolution."""
    nodes = Network(str(args.cluster.node_network))
    kafka, connect = Workload.KAFKA, Workload.CONNECT
    allowed = [
        Flow(connect, Workload.POSTGRESQL, (args.source_port,), "change data capture"),
        Flow(kafka, kafka, (args.kafka.port, args.kafka.controller_port), "replication, quorum"),
        Flow(connect, kafka, (args.kafka.port,), "records, and Connect's own topics"),
        Flow(connect, connect, (args.connect_port,), "workers pass requests on to their leader"),
        Flow(nodes, connect, (args.connect_port,), "REST through the API server's service proxy"),
        _to_archive(args.archive_endpoint),
    ]
    if args.registry_port is not None:
        allowed += [
            Flow(connect, Workload.REGISTRY, (args.registry_port,), "schemas"),
            Flow(Workload.REGISTRY, kafka, (args.kafka.port,), "the registry's topic"),
        ]
    if args.cluster.node_ports is not None:
        allowed += [
            Flow(nodes, Workload.POSTGRESQL, (args.source_port,), "node port"),
            Flow(nodes, kafka, (args.kafka.external_port,), "node ports, one per broker"),
        ]
    if args.kafka.bootstrap_servers:
        allowed.append(Flow(nodes, kafka, (args.kafka.port,), "topics, from where Pulumi runs"))
    if args.metrics.enabled:
        allowed += _to_metrics(args, nodes)
    return allowed


def _to_metrics(args: SecurityArgs, nodes: Network) -> list[Flow]:
    """Return the flows to the JVMs' metrics, from Prometheus and through the API server."""
    scraper, ports = args.metrics.scraper, (args.metrics.port,)
    jvms = [workload for workload in args.workloads if workload is not Workload.POSTGRESQL]
    found = [Flow(nodes, jvm, ports, "metrics through the API server's proxy") for jvm in jvms]
    if scraper is not None:
        prometheus = Pods(scraper.namespace, tuple(scraper.labels.items()))
        found += [Flow(prometheus, jvm, ports, "metrics") for jvm in jvms]
    return found


def _to_archive(endpoint: str | None) -> Flow:
    """Return the flow to AWS, or only to the server that replaces it (`aws.endpoint`)."""
    if endpoint is None:
        return Flow(Workload.CONNECT, PUBLIC_INTERNET, (HTTPS,), "AWS over HTTPS")
    url = urlsplit(endpoint)
    port = url.port or (HTTPS if url.scheme == "https" else 80)
    return Flow(Workload.CONNECT, Network(f"{url.hostname}/32"), (port,), "stand-in for AWS")


def policy_specs(workloads: list[Workload], allowed: list[Flow]) -> dict[str, Manifest]:
    """Return the NetworkPolicies' specs by name: deny all, allow DNS, and one per workload."""
    return {
        "default-deny": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        "allow-dns": _name_resolution(),
        **{workload.value: _policy_of(workload, allowed) for workload in workloads},
    }


def _policy_of(workload: Workload, allowed: list[Flow]) -> Manifest:
    """Return the policy of a workload's pods, from the flows that start or end there."""
    return {
        "podSelector": {"matchLabels": workload.selector},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [_peer(flow.source)], "ports": _tcp(flow.ports)}
            for flow in allowed
            if flow.target is workload
        ],
        "egress": [
            {"to": [_peer(flow.target)], "ports": _tcp(flow.ports)}
            for flow in allowed
            if flow.source is workload
        ],
    }


def _name_resolution() -> Manifest:
    """Return the policy that lets every pod query the cluster's DNS servers."""
    cluster_dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": protocol, "port": DNS} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [cluster_dns], "ports": ports}],
    }


def _peer(end: Workload | Network | Pods) -> Manifest:
    if isinstance(end, Workload):
        return {"podSelector": {"matchLabels": end.selector}}
    if isinstance(end, Pods):
        return {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": end.namespace}},
            "podSelector": {"matchLabels": dict(end.labels)},
        }
    block: Manifest = {"cidr": end.cidr}
    if end.excluded:
        block["except"] = list(end.excluded)
    return {"ipBlock": block}


def _tcp(ports: tuple[int, ...]) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]
