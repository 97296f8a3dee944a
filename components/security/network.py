"""Who may talk to whom: the design's "Network Security Implementation" as data.

Everything is denied by default. `flows()` lists what is allowed; each flow becomes an egress rule
where it starts and an ingress rule where it ends. Addresses are those after a Service's
translation: pods and their ports, not Services and theirs.
"""

from components.manifests import Manifest
from components.security.arguments import SecurityArgs
from components.security.flow import Flow, Network, Pods
from components.workloads import Workload

DNS = 53


def flows(args: SecurityArgs) -> list[Flow]:
    """Every allowed flow of a stack, name resolution apart."""
    nodes = Network(str(args.cluster.node_network))
    kafka, connect = Workload.KAFKA, Workload.CONNECT
    allowed = [
        Flow(connect, Workload.POSTGRESQL, (args.source_port,), "change data capture"),
        Flow(kafka, kafka, (args.kafka.port, args.kafka.controller_port), "replication, quorum"),
        Flow(connect, kafka, (args.kafka.port,), "records, and Connect's own topics"),
        Flow(connect, connect, (args.connect_port,), "workers pass requests on to their leader"),
        Flow(nodes, connect, (args.connect_port,), "REST through the API server's service proxy"),
        *args.sink_flows,
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
    """The ways to the JVMs' metrics, which need no password: Prometheus' and kubectl's."""
    scraper, ports = args.metrics.scraper, (args.metrics.port,)
    jvms = [workload for workload in args.workloads if workload is not Workload.POSTGRESQL]
    found = [Flow(nodes, jvm, ports, "metrics through the API server's proxy") for jvm in jvms]
    if scraper is not None:
        prometheus = Pods(scraper.namespace, tuple(scraper.labels.items()))
        found += [Flow(prometheus, jvm, ports, "metrics") for jvm in jvms]
    return found


def policy_specs(workloads: list[Workload], allowed: list[Flow]) -> dict[str, Manifest]:
    """The NetworkPolicies' names and specs: deny all, resolve names, one for each workload."""
    return {
        "default-deny": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        "allow-dns": _name_resolution(),
        **{workload.value: _policy_of(workload, allowed) for workload in workloads},
    }


def _policy_of(workload: Workload, allowed: list[Flow]) -> Manifest:
    """What the flows that start or end at a workload mean for its pods."""
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
    """Every pod may ask the cluster's DNS, and no other server."""
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
