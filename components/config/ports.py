"""Which ports of a stack do not go together, by their keys in the stack file."""

from collections.abc import Iterator, Mapping

from components.config.cluster import FIRST_NODE_PORT, LAST_NODE_PORT, NodePorts
from components.config.metrics import MetricsSettings
from components.config.streaming import KafkaSettings

Contradictions = Iterator[tuple[str, str]]


def port_contradictions(
    node_ports: NodePorts | None,
    kafka: KafkaSettings,
    others: Mapping[str, int],
    metrics: MetricsSettings,
    *,
    managed: bool,
) -> Contradictions:
    """Yield ports that two listeners would need, or that Kubernetes lacks.

    `others` are those of the other pods that have metrics, by their keys; `managed`: whether
    PostgreSQL has a node port.
    """
    listeners = {
        "kafka.port": kafka.port,
        "kafka.controllerPort": kafka.controller_port,
        "kafka.externalPort": kafka.external_port,
    }
    owners: dict[int, str] = {}
    for key, port in listeners.items():
        other = owners.setdefault(port, key)
        if other != key:
            yield key, f"{port} is also {other}; each listener needs a port of its own"
    if metrics.enabled:
        for key, port in {**listeners, **others}.items():
            if port == metrics.port:
                yield "metrics.port", f"{port} is also {key}, in the same pods; set another port"
    if node_ports:
        yield from _node_ports(node_ports, kafka.brokers, managed=managed)


def _node_ports(ports: NodePorts, brokers: int, *, managed: bool) -> Contradictions:
    """Yield node ports that several brokers would need twice, or that Kubernetes lacks."""
    last = ports.first_broker + brokers - 1
    needed = f"{brokers} brokers have the ports {ports.first_broker} to {last}"
    if last > LAST_NODE_PORT:
        yield (
            "cluster.nodePorts.firstBroker",
            f"{needed}, but node ports end at {LAST_NODE_PORT}; set at most"
            f" {LAST_NODE_PORT + 1 - brokers}",
        )
    if managed and ports.first_broker <= ports.postgresql <= last:
        free = [f"at most {ports.first_broker - 1}"] * (ports.first_broker > FIRST_NODE_PORT)
        free += [f"at least {last + 1}"] * (last < LAST_NODE_PORT)
        yield (
            "cluster.nodePorts.postgresql",
            f"{ports.postgresql} is a broker's: {needed}; set {', or '.join(free)}",
        )
