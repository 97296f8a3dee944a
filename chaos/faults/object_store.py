"""S3 that fails: a proxy answers the pods' requests instead of moto."""

from dataclasses import dataclass, field

from kubernetes.client import ApiException

from chaos import node
from chaos.fault import Fault
from chaos.pipeline import CONNECT, NAME_LABEL, NOT_FOUND, Pipeline
from chaos.s3_proxy import Answer, S3Proxy
from clients.job_run import MAINTENANCE

PROXY_PORT = 5567
POLICY = "chaos-s3-proxy"

# New connections go to the proxy. Connections that were open before still have moto's port at the
# input hook; they are reset, so that their clients open new ones.
RULES = f"""\
  chain to_proxy {{
    type nat hook prerouting priority dstnat - 10; policy accept;
    ip saddr {node.PODS} ip daddr {node.NODE_ADDRESS} tcp dport {node.MOTO_PORT} \\
      dnat ip to {node.NODE_ADDRESS}:{PROXY_PORT}
  }}
  chain old_connections {{
    type filter hook input priority filter - 10; policy accept;
    ip saddr {node.PODS} ip saddr != {node.NODE_ADDRESS} tcp dport {node.MOTO_PORT} \
      reject with tcp reset
  }}"""


@dataclass
class S3Fails(Fault):
    """Each request of the pods to S3 gets the next of these answers; Glue is not affected."""

    answers: tuple[Answer, ...] = ()
    access_key: str = ""
    """ID of the access key of the only identity that gets these answers; "" is any"""
    needs_node: bool = True
    _proxies: list[S3Proxy] = field(default_factory=list, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        proxy = S3Proxy(
            node.NODE_ADDRESS, PROXY_PORT, node.MOTO_PORT, self.answers, self.access_key
        )
        proxy.start()
        self._proxies.append(proxy)
        pipeline.networking.create_namespaced_network_policy(pipeline.namespace, _to_the_proxy())
        node.set_packet_rules(RULES)

    def heal(self, pipeline: Pipeline) -> None:
        node.clear_packet_rules()
        while self._proxies:
            proxy = self._proxies.pop()
            proxy.stop()
            pipeline.log(f"{self.name}: {proxy.failed} requests to S3 failed")
        try:
            pipeline.networking.delete_namespaced_network_policy(POLICY, pipeline.namespace)
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise


def _to_the_proxy() -> dict[str, object]:
    """Return a policy that lets those that use S3 reach the proxy's port as well as moto's."""
    return {
        "metadata": {"name": POLICY},
        "spec": {
            "podSelector": {
                "matchExpressions": [
                    {"key": NAME_LABEL, "operator": "In", "values": [CONNECT, MAINTENANCE]}
                ]
            },
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [{"ipBlock": {"cidr": f"{node.NODE_ADDRESS}/32"}}],
                    "ports": [{"protocol": "TCP", "port": PROXY_PORT}],
                }
            ],
        },
    }
