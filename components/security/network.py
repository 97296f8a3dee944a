"""Allowed connections (design: "Network Security Implementation"), as data.

All connections are denied by default. `flows()` lists what is allowed; each flow becomes an egress
rule of its source and an ingress rule of its target. Flows name pods and their ports, not Services:
NetworkPolicies apply after a Service's address was translated.
"""

from components.manifests import Manifest
from components.security.arguments import SecurityArgs
from components.security.flow import HTTPS, PUBLIC_INTERNET, Flow, Network, Pods
from components.workloads import Workload

DNS = 53


def flows(args: SecurityArgs) -> list[Flow]:
    """Return every allowed flow of a stack, except name resolution."""
    nodes = Network(str(args.cluster.node_network))
    kafka, connect = Workload.KAFKA, Workload.CONNECT
    allowed = [
        *_to_databases(args),
        Flow(kafka, kafka, (args.kafka.port, args.kafka.controller_port), "replication, quorum"),
        Flow(connect, kafka, (args.kafka.port,), "records, and Connect's own topics"),
        Flow(connect, connect, (args.connect_port,), "workers pass requests on to their leader"),
        Flow(nodes, connect, (args.connect_port,), "REST through the API server's service proxy"),
        *args.sink_flows,
        *args.maintenance_flows,
    ]
    # A pod's containers share its policies; where the sinks reach AWS itself, this flow is there.
    of_sinks = {flow.target for flow in args.sink_flows}
    if args.downloads_plugins and PUBLIC_INTERNET not in of_sinks:
        allowed.append(Flow(connect, PUBLIC_INTERNET, (HTTPS,), "plugins from Confluent Hub"))
    if args.registry_port is not None:
        allowed += [
            Flow(connect, Workload.REGISTRY, (args.registry_port,), "schemas"),
            Flow(Workload.REGISTRY, kafka, (args.kafka.port,), "the registry's topic"),
        ]
    if args.cluster.node_ports is not None:
        if args.postgresql_port is not None:
            allowed.append(Flow(nodes, Workload.POSTGRESQL, (args.postgresql_port,), "node port"))
        allowed.append(
            Flow(nodes, kafka, (args.kafka.external_port,), "node ports, one per broker")
        )
    if args.kafka.bootstrap_servers:
        allowed.append(Flow(nodes, kafka, (args.kafka.port,), "topics, from where Pulumi runs"))
    if args.metrics.enabled:
        allowed += _to_metrics(args, nodes)
    return allowed


def _to_databases(args: SecurityArgs) -> list[Flow]:
    """Return the flows of the sources, none twice: two databases may be on one server."""
    ends: list[tuple[Workload | Network, int]] = []
    if args.postgresql_port is not None:
        ends.append((Workload.POSTGRESQL, args.postgresql_port))
    for database in args.existing_databases:
        ends += [(Network(str(network)), database.port) for network in database.networks]
    return [
        Flow(Workload.CONNECT, end, (port,), "change data capture")
        for end, port in dict.fromkeys(ends)
    ]


def _to_metrics(args: SecurityArgs, nodes: Network) -> list[Flow]:
    """Return the flows to the JVMs' metrics, from Prometheus and through the API server."""
    scraper, ports = args.metrics.scraper, (args.metrics.port,)
    without = (Workload.POSTGRESQL, Workload.MAINTENANCE)
    jvms = [workload for workload in args.workloads if workload not in without]
    found = [Flow(nodes, jvm, ports, "metrics through the API server's proxy") for jvm in jvms]
    if scraper is not None:
        prometheus = Pods(scraper.namespace, tuple(scraper.labels.items()))
        found += [Flow(prometheus, jvm, ports, "metrics") for jvm in jvms]
    return found


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
