"""Who can talk to whom in the deployed sandbox, tried: every pod against every port of the others.

What is expected is the matrix that the policy pack is configured with, so the pack, the program and
the network that enforces its policies must all agree.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import pytest
import yaml

from clients.stack import PROJECT, StackOutputs
from policies.network_ends import Ends
from policies.network_matrix import SETTINGS, ends_of, expected_ports
from policies.ports import span
from policies.reachability import End, Pods, selects
from policies.resource import Resource
from tests.e2e.pod_connections import (
    REACHED,
    REFUSED_BY_NETWORK,
    Target,
    kubectl,
    outcomes_from_here,
    outcomes_from_pod,
    probe_pod,
)

CONFIGURATION = PROJECT / "policies" / "configuration" / "sandbox.json"
STACK_FILE = PROJECT / "Pulumi.sandbox.yaml"
NODE = "10.231.0.1"
# Moto, the API server, the kubelet.
NODE_PORTS = (5566, 16443, 16250)
# An unused address, reserved for documentation.
INTERNET = ("203.0.113.1", 443)
UNUSED_PORT = 9
IPV4 = 4
# DNS, and CoreDNS' metrics, which no pod may reach.
DNS_PORTS = (53, 9153)

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Matrix:
    """The deployed pods, the ends of the matrix that they are, and what it allows them."""

    namespace: str
    ends: Ends
    settings: Mapping[str, Any]
    pods: Mapping[str, Manifest]
    dns: Manifest

    def end_of(self, pod: Manifest) -> Pods:
        """Return a deployed pod's end in the matrix."""
        labels = pod["metadata"]["labels"]
        return next(
            end for end in self.ends.workloads if selects({"matchLabels": end.labels}, labels)
        )

    def stranger(self, namespace: str) -> Pods:
        """Return a pod that belongs to no workload."""
        return next(
            end
            for end in (*self.ends.unmanaged_pods, *self.ends.outside_pods)
            if end.namespace == (namespace if namespace == self.namespace else "")
        )

    def targets(self) -> dict[Target, End]:
        """Return every target that is tried."""
        ports = {UNUSED_PORT, *(port for pod in self.pods.values() for port in _ports(pod))}
        found: dict[Target, End] = {}
        for pod in self.pods.values():
            found |= {(_address(pod), port): self.end_of(pod) for port in ports}
        dns = next(end for end in self.ends.outside_pods if end.title == "dns")
        found |= {(_address(self.dns), port): dns for port in DNS_PORTS}
        outside = [(NODE, port) for port in NODE_PORTS] + [INTERNET]
        return found | {target: self.addresses(target[0]) for target in outside}

    def addresses(self, address: str) -> End:
        """Return the end of the matrix that an address outside is in."""
        sought = int(IPv4Address(address))
        return next(
            each
            for each in self.ends.addresses
            if each.first.version == IPV4 and int(each.first) <= sought <= int(each.last)
        )

    def expected(self, source: End, targets: Mapping[Target, End]) -> dict[Target, str]:
        """Return the results of connections from an end."""
        return {
            target: REACHED
            if expected_ports(self.settings, self.ends, source, end) & span("TCP", port, port)
            else REFUSED_BY_NETWORK
            for target, end in targets.items()
            for port in [target[1]]
        }


@pytest.fixture(scope="module")
def matrix(outputs: StackOutputs) -> Matrix:
    namespace = outputs.namespace
    # The engine passes the stack file on to the pack, which reads the nodes' network there.
    cluster = yaml.safe_load(STACK_FILE.read_text())["config"]["datapipe:cluster"]
    given = {
        "nodeNetwork": cluster["nodeNetwork"],
        **json.loads(CONFIGURATION.read_text())["network-matrix"],
    }
    settings = {name: schema["default"] for name, schema in SETTINGS.items()} | given
    kinds = "statefulsets.apps,deployments.apps,cronjobs.batch,networkpolicies.networking.k8s.io"
    resources = [_as_registered(each) for each in _listed(namespace, kinds)]
    # A run of a CronJob may end, or begin, at any time.
    pods = {
        pod["metadata"]["name"]: pod
        for pod in _listed(namespace, "pods")
        if not any(owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences", ()))
    }
    [dns] = _listed("kube-system", "pods", "--selector=k8s-app=kube-dns")
    return Matrix(namespace, ends_of(resources, settings), settings, pods, dns)


def _listed(namespace: str, what: str, *options: str) -> list[dict[str, Any]]:
    shown = kubectl("get", f"--namespace={namespace}", what, *options, "--output=json")
    items: list[dict[str, Any]] = json.loads(shown)["items"]
    return items


def _as_registered(manifest: Manifest) -> Resource:
    token = f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}"
    return Resource(token, manifest["metadata"]["name"], manifest)


def _address(pod: Manifest) -> str:
    return str(pod["status"]["podIP"])


def _ports(pod: Manifest) -> Iterator[int]:
    for container in pod["spec"]["containers"]:
        yield from (port["containerPort"] for port in container.get("ports", ()))


def _probed_ports(pod: Manifest) -> set[int]:
    """Return the ports on which the kubelet asks for the pod's health."""
    [container] = pod["spec"]["containers"]
    named = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    probes = [container.get(f"{kind}Probe", {}) for kind in ("startup", "liveness", "readiness")]
    checks = [probe.get("tcpSocket") or probe.get("httpGet") or {} for probe in probes]
    return {named.get(check["port"], check["port"]) for check in checks if check}


def test_each_pod_reaches_exactly_what_the_matrix_allows(matrix: Matrix) -> None:
    targets = {
        name: {
            target: end for target, end in matrix.targets().items() if target[0] != _address(pod)
        }
        for name, pod in matrix.pods.items()
    }
    # At the same time, because a refused connection takes the whole timeout.
    with ThreadPoolExecutor(len(targets)) as pool:
        trying = {
            name: pool.submit(outcomes_from_pod, name, matrix.namespace, list(tried))
            for name, tried in targets.items()
        }
    for name, pod in matrix.pods.items():
        outcomes = trying[name].result()
        assert outcomes == matrix.expected(matrix.end_of(pod), targets[name]), name
        assert {REACHED, REFUSED_BY_NETWORK} == set(outcomes.values()), f"{name} tried too little"


def test_the_node_reaches_exactly_what_the_matrix_allows_and_the_probed_ports(
    matrix: Matrix,
) -> None:
    """A connection of the API server's proxy can't be distinguished from a probe of the kubelet."""
    targets = {
        target: end for target, end in matrix.targets().items() if end in matrix.ends.workloads
    }
    expected = matrix.expected(matrix.addresses(NODE), targets)
    for pod in matrix.pods.values():
        expected |= {(_address(pod), port): REACHED for port in _probed_ports(pod)}
    assert outcomes_from_here(list(targets)) == expected
    assert REFUSED_BY_NETWORK in expected.values()


@pytest.mark.parametrize("namespace", ["the pipeline's", "another"])
def test_a_pod_of_no_workload_reaches_no_workload(matrix: Matrix, namespace: str) -> None:
    own = namespace == "the pipeline's"
    where = matrix.namespace if own else "default"
    # Another namespace's pods may go where they like: only the ways into ours are the matrix's.
    targets = {
        target: end
        for target, end in matrix.targets().items()
        if own or end in matrix.ends.workloads
    }
    image = next(iter(matrix.pods.values()))["spec"]["containers"][0]["image"]
    with probe_pod(where, image) as probe:
        outcomes = outcomes_from_pod(probe, where, list(targets))
        if own:
            assert kubectl("exec", f"--namespace={where}", probe, "--", "getent", "hosts", "kafka")

    assert outcomes == matrix.expected(matrix.stranger(where), targets)
    reached = {target for target, outcome in outcomes.items() if outcome == REACHED}
    assert reached == ({(_address(matrix.dns), 53)} if own else set())


def test_a_run_of_the_maintenance_reaches_exactly_what_the_matrix_allows(matrix: Matrix) -> None:
    """By a pod with the labels of its pods, which live too short to try everything."""
    [cron_job] = _listed(matrix.namespace, "cronjobs.batch")
    template = cron_job["spec"]["jobTemplate"]["spec"]["template"]
    image = template["spec"]["containers"][0]["image"]
    targets = matrix.targets()
    with probe_pod(matrix.namespace, image, template["metadata"]["labels"]) as probe:
        outcomes = outcomes_from_pod(probe, matrix.namespace, list(targets))

    assert outcomes == matrix.expected(matrix.end_of(template), targets)
    assert {REACHED, REFUSED_BY_NETWORK} == set(outcomes.values())


def test_names_are_resolved_over_udp(matrix: Matrix) -> None:
    for name in matrix.pods:
        looked_up = ("getent", "hosts", "kubernetes.default.svc.cluster.local")
        assert kubectl("exec", f"--namespace={matrix.namespace}", name, "--", *looked_up)
