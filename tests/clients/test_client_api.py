"""The clients use the API server's paths with the user's kubeconfig."""

import json
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException

from clients.cluster import MEBIBYTE, Cluster, Resources
from clients.connect import connectors, with_task_configs
from clients.metrics import read_metrics
from clients.stack import StackError, parse_outputs
from clients.status.collect import collect
from clients.status.unknown import Unknown
from kafka_connect import task_configs
from tests.clients.stack_outputs import OUTPUTS
from tests.clients.test_client_cluster import SPEC, pod, status
from tests.clients.test_client_connect import connector
from tests.kubeconfig import use_kubeconfig

NAMESPACE = "/api/v1/namespaces/data-ingestion"
METRICS = """\
# TYPE cdc_events counter
cdc_events_total{table="public.users",operation="c"} 3.0
cdc_events_total{table="public.users",operation="d"} 1.0
cdc_events_total{table="public.orders",operation="c"} 7.0
# TYPE data_quality_score gauge
data_quality_score{table="public.users"} NaN
data_quality_score{table="public.orders"} 0.5
"""
SCRAPED = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "9404",
    "prometheus.io/path": "/metrics",
}
RUNNING = pod({**SPEC, "nodeName": "node-1"}, [status()])
FINISHED = {**RUNNING, "metadata": {"name": "job"}, "status": {"phase": "Succeeded"}}
STATISTICS = {
    "pods": [
        {
            "podRef": {"namespace": namespace, "name": "kafka-0"},
            "memory": {"workingSetBytes": used * MEBIBYTE},
            "cpu": {"usageNanoCores": 250_000_000},
        }
        for namespace, used in (("another", 1), ("data-ingestion", 461))
    ]
}
RUNNING["metadata"] |= {"annotations": SCRAPED, "namespace": "data-ingestion"}
CONNECTOR = f"{NAMESPACE}/services/kafka-connect:8083/proxy/connectors/s3-sink-connector"
ANSWERS: dict[str, Any] = {
    f"{NAMESPACE}/pods/kafka-0:9404/proxy/metrics": METRICS,
    f"{NAMESPACE}/pods": {"items": [RUNNING, FINISHED]},
    "/api/v1/nodes/node-1/proxy/stats/summary": STATISTICS,
    f"{NAMESPACE}/services/kafka-connect:8083/proxy/connectors?expand=status": {
        "s3-sink-connector": {"status": connector("RUNNING", "RUNNING")}
    },
    f"{CONNECTOR}/config": {"name": "s3-sink-connector", "topics": "a,b"},
    f"{CONNECTOR}/tasks": [{"id": {"task": 0}, "config": {"task.class": "T", "topics": "a,b"}}],
}


class ApiServer(BaseHTTPRequestHandler):
    """Answers from ANSWERS to requests with the kubeconfig's token."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer its-token"
        known = self.path in ANSWERS
        self.send_response(200 if allowed and known else 404 if allowed else 401)
        answer = ANSWERS.get(self.path, {})
        is_text = isinstance(answer, str)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.end_headers()
        self.wfile.write((answer if is_text else json.dumps(answer)).encode())

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small API server, and a kubeconfig that names it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "its-token"}}],
        "contexts": [{"name": "its-context", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "its-context",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    use_kubeconfig(monkeypatch, str(tmp_path / "kubeconfig"))
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("kubeconfig")
class TestCluster:
    """A namespace with one running pod and one that has ended."""

    outputs = parse_outputs("sandbox", OUTPUTS)

    def test_running_pods_with_the_memory_they_use(self) -> None:
        (found,) = Cluster(self.outputs).pods()
        assert found.name == "kafka-0"
        assert found.used.memory == 461 * MEBIBYTE
        assert str(found.used.cpu) == "0.25"
        assert found.limits.memory == 682 * MEBIBYTE

    def test_metrics_through_the_pod_proxy(self) -> None:
        found = read_metrics(Cluster(self.outputs))
        assert found.names == {"cdc_events_total", "data_quality_score"}
        assert found.total("cdc_events_total", operation="c") == 10
        assert found.total("cdc_events_total", pod="kafka-0", table="public.users") == 4
        assert found.totals("cdc_events_total", "table") == {"public.users": 4, "public.orders": 7}
        assert found.least("data_quality_score") == 0.5
        assert found.least("data_quality_score", table="public.users") is None
        assert found.total("no_such_metric") == 0

    def test_connectors_through_the_service_proxy(self) -> None:
        (found,) = connectors(Cluster(self.outputs), self.outputs.connect)
        assert found.runs

    def test_a_task_that_no_longer_exists_is_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"{CONNECTOR.rpartition('/')[0]}?expand=status"
        status = ANSWERS[path]["s3-sink-connector"]["status"]
        left = {"id": 1, "state": "UNASSIGNED"}
        answer = {"s3-sink-connector": {"status": {**status, "tasks": [*status["tasks"], left]}}}
        monkeypatch.setitem(ANSWERS, path, answer)
        (found,) = connectors(Cluster(self.outputs), self.outputs.connect)
        assert [task.number for task in found.tasks] == [0]
        present = [*ANSWERS[f"{CONNECTOR}/tasks"], {"id": {"task": 1}, "config": {}}]
        monkeypatch.setitem(ANSWERS, f"{CONNECTOR}/tasks", present)
        (found,) = connectors(Cluster(self.outputs), self.outputs.connect)
        assert not found.runs

    def test_tasks_that_have_not_got_a_connectors_configuration(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(task_configs, "CHANGE_SECONDS", 0.05)
        monkeypatch.setattr(task_configs, "POLL_SECONDS", 0.01)
        cluster, connect = Cluster(self.outputs), self.outputs.connect
        (found,) = connectors(cluster, connect)
        assert with_task_configs(cluster, connect, found).earlier == ()
        changed = {"name": "s3-sink-connector", "topics": "a,b,c"}
        monkeypatch.setitem(ANSWERS, f"{CONNECTOR}/config", changed)
        assert with_task_configs(cluster, connect, found).earlier == ("topics",)

    def test_a_refused_request_is_an_error(self) -> None:
        with pytest.raises(ApiException, match="404"):
            Cluster(self.outputs).get("/api/v1/nothing")

    def test_an_unknown_context_is_explained(self) -> None:
        outputs = self.outputs.model_copy(update={"context": "kind-other"})
        with pytest.raises(StackError, match="no usable kubeconfig"):
            Cluster(outputs)

    def test_unreachable_parts_do_not_hide_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clients.topics.REQUEST_SECONDS", 0.1)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        archive = self.outputs.archive.model_copy(update={"endpoint": "http://127.0.0.1:1"})
        nowhere = {"archive": archive, "bootstrap_servers": "127.0.0.1:1"}
        outputs = self.outputs.model_copy(update=nowhere)
        found = collect(outputs, Cluster(outputs))
        assert isinstance(found.objects, Unknown)
        assert isinstance(found.dead_letters, Unknown)
        assert isinstance(found.pods, list)
        assert isinstance(found.connectors, list)
        assert found.budget == Resources(3584 * MEBIBYTE, Decimal("3.5"))
