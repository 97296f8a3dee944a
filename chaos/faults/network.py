"""A network that is interrupted between two workloads."""

from dataclasses import dataclass

from chaos import node
from chaos.fault import Fault
from chaos.pipeline import CONNECT, KAFKA, Pipeline

# Packets are dropped silently, as by a broken link: both sides must detect it by timeouts.
RULES = """\
  chain cut {{
    type filter hook forward priority filter - 10; policy accept;
    ip saddr {{ {one} }} ip daddr {{ {other} }} drop
    ip saddr {{ {other} }} ip daddr {{ {one} }} drop
  }}"""


@dataclass
class Cut(Fault):
    """No packet passes between any worker and any broker."""

    one: str = CONNECT
    other: str = KAFKA
    needs_node: bool = True

    def inject(self, pipeline: Pipeline) -> None:
        node.set_packet_rules(
            RULES.format(one=_addresses(pipeline, self.one), other=_addresses(pipeline, self.other))
        )

    def heal(self, pipeline: Pipeline) -> None:
        node.clear_packet_rules()


def _addresses(pipeline: Pipeline, workload: str) -> str:
    return ", ".join(str(pod.status.pod_ip) for pod in pipeline.pods(workload))
