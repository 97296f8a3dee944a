"""Where a stack's Connect workers run: the pod that checks look from, and where it may connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from components.source.existing.vantage import UnusableVantageError
from components.source.existing.worker_pod import ANSWER_SECONDS, WORKER, WorkerPod, explained
from kafka_connect.cluster_access import ClusterAccess

if TYPE_CHECKING:
    from kubernetes import client


@dataclass(frozen=True)
class WorkerPlace:
    """A namespace in which the worker runs, or will."""

    namespace: str
    context: str | None = None
    """of the kubeconfig; None: its current one"""

    def pod(self) -> WorkerPod:
        """Return a pod of the worker. Raises UnusableVantageError where none is ready."""
        from kubernetes import client  # noqa: PLC0415  slow, and not needed by every preview

        api_client = self._api_client()
        selector = ",".join(f"{key}={value}" for key, value in WORKER.selector.items())
        with explained():
            listed = client.CoreV1Api(api_client).list_namespaced_pod(
                self.namespace, label_selector=selector, _request_timeout=ANSWER_SECONDS
            )
        for pod in listed.items:
            if pod.metadata and pod.metadata.name and _is_ready(pod):
                return WorkerPod(api_client, self.namespace, pod.metadata.name)
        raise UnusableVantageError(f"no worker is ready in the namespace {self.namespace}")

    def may_connect(self, address: str, port: int) -> bool:
        """Return whether the deployed NetworkPolicies let the worker connect there."""
        from kubernetes import client  # noqa: PLC0415

        api_client = self._api_client()
        with explained():
            listed = client.NetworkingV1Api(api_client).list_namespaced_network_policy(
                self.namespace, _request_timeout=ANSWER_SECONDS
            )
        restricting = [each.spec for each in listed.items if each.spec and _restricts(each.spec)]
        return not restricting or any(
            _allows(rule, address, port) for spec in restricting for rule in spec.egress or []
        )

    def _api_client(self) -> client.ApiClient:
        from kubernetes import client  # noqa: PLC0415

        with explained():
            configuration = ClusterAccess(self.context).configuration()
        configuration.retries = False
        return client.ApiClient(configuration)


def _is_ready(pod: client.V1Pod) -> bool:
    conditions = (pod.status and pod.status.conditions) or []
    ends = pod.metadata and pod.metadata.deletion_timestamp
    return not ends and any(each.type == "Ready" and each.status == "True" for each in conditions)


def _restricts(spec: client.V1NetworkPolicySpec) -> bool:
    """Return whether a policy is about where the worker connects to."""
    selector: Mapping[str, str] = (spec.pod_selector and spec.pod_selector.match_labels) or {}
    return "Egress" in (spec.policy_types or []) and selector.items() <= WORKER.labels.items()


def _allows(rule: client.V1NetworkPolicyEgressRule, address: str, port: int) -> bool:
    blocks = [peer.ip_block for peer in rule.to or [] if peer.ip_block]
    to_address = not rule.to or any(_contains(block, address) for block in blocks)
    to_port = not rule.ports or any(_is_port(each, port) for each in rule.ports)
    return to_address and to_port


def _contains(block: client.V1IPBlock, address: str) -> bool:
    def within(network: str) -> bool:
        return ip_address(address) in ip_network(network)

    return within(block.cidr) and not any(within(each) for each in block._except or [])


def _is_port(given: client.V1NetworkPolicyPort, port: int) -> bool:
    if given.protocol not in (None, "TCP"):
        return False
    if given.port is None:
        return True
    first = str(given.port)
    return first.isdecimal() and int(first) <= port <= int(given.end_port or first)
