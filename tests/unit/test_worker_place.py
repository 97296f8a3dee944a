"""Where the worker runs: which pod is taken, and what the deployed NetworkPolicies allow it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client

from components.source.existing.vantage import UnusableVantageError
from components.source.existing.worker_place import WorkerPlace
from components.workloads import Workload

PLACE = WorkerPlace("data-ingestion")


@pytest.fixture(autouse=True)
def _no_api_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "components.source.existing.worker_place.ClusterAccess.configuration",
        lambda _: client.Configuration(),
    )


def parsed(document: dict[str, Any], kind: str) -> Any:
    """Return an object of the Kubernetes API as its client reads it."""
    return client.ApiClient().deserialize(json.dumps(document), kind, "application/json")


def answer(monkeypatch: pytest.MonkeyPatch, api: type, method: str, *items: Any) -> None:
    listed = SimpleNamespace(items=items)
    monkeypatch.setattr(api, method, lambda *_, **__: listed)


def policies(monkeypatch: pytest.MonkeyPatch, *specs: dict[str, Any]) -> None:
    items = [parsed({"spec": spec}, "V1NetworkPolicy") for spec in specs]
    answer(monkeypatch, client.NetworkingV1Api, "list_namespaced_network_policy", *items)


def egress(
    *rules: dict[str, Any], selector: dict[str, str] | None = None, kind: str = "Egress"
) -> dict[str, Any]:
    return {
        "podSelector": {"matchLabels": selector or Workload.CONNECT.selector},
        "policyTypes": [kind],
        "egress": list(rules),
    }


def block(cidr: str, *excluded: str, **port: Any) -> dict[str, Any]:
    to = [{"ipBlock": {"cidr": cidr, "except": list(excluded)}}]
    return {"to": to, "ports": [{"protocol": "TCP", **port}]} if port else {"to": to}


DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("specs", "allowed"),
    [
        ([], True),
        ([DENY], False),
        ([DENY, egress(block("10.20.0.0/24", port=5432))], True),
        ([DENY, egress(block("10.20.0.0/24"))], True),
        ([DENY, egress({})], True),
        ([DENY, egress(block("10.20.0.0/24", port=5433))], False),
        ([DENY, egress(block("10.20.0.0/24", port=5000, endPort=6000))], True),
        ([DENY, egress(block("10.20.0.0/24", port="postgres"))], False),
        ([DENY, egress(block("10.20.0.0/24", "10.20.0.0/28", port=5432))], False),
        ([DENY, egress(block("10.21.0.0/24", port=5432))], False),
        ([DENY, egress({"to": [{"podSelector": {}}]})], False),
        ([DENY, egress(block("0.0.0.0/0"), selector=Workload.KAFKA.selector)], False),
        ([egress(selector=Workload.KAFKA.selector)], True),
        ([egress(kind="Ingress")], True),
    ],
)
def test_where_the_deployed_policies_let_the_worker_connect(
    monkeypatch: pytest.MonkeyPatch, specs: list[dict[str, Any]], allowed: bool
) -> None:
    policies(monkeypatch, *specs)
    assert PLACE.may_connect("10.20.0.7", 5432) is allowed


def pod(name: str, ready: str, **metadata: Any) -> Any:
    document = {
        "metadata": {"name": name, **metadata},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }
    return parsed(document, "V1Pod")


def test_a_pod_that_is_ready_and_does_not_end_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = pod("ending", "True", deletionTimestamp="2026-11-27T00:00:00Z")
    pods = [pod("starting", "False"), ending, pod("worker", "True")]
    answer(monkeypatch, client.CoreV1Api, "list_namespaced_pod", *pods)
    assert PLACE.pod().name == "the worker's pod worker"
    answer(monkeypatch, client.CoreV1Api, "list_namespaced_pod", *pods[:2])
    with pytest.raises(UnusableVantageError, match="no worker is ready in the namespace data-"):
        PLACE.pod()


def test_what_the_api_server_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise client.ApiException(status=403, reason="Forbidden")

    monkeypatch.setattr(client.CoreV1Api, "list_namespaced_pod", refuse)
    with pytest.raises(UnusableVantageError, match=r"refuses: 403 Forbidden; .* pods/exec"):
        PLACE.pod()
