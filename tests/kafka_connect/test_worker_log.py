"""Why Connect could not configure a connector's tasks is read from the workers' logs."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from components.streaming.connectors import waiting
from components.streaming.connectors.waiting import waiting_reasons
from kafka_connect.status import Status
from kafka_connect.worker_log import last_failure, reconfiguration_failure
from tests.kafka_connect.failing_connect import FailingConnect, Request, proxy_error, respond, serve
from tests.kafka_connect.test_worker_access import kubeconfig
from tests.kubeconfig import use_kubeconfig

SECRET = "hunter2"
FAILED = (
    "2026-11-28 15:28:01,903 ERROR [Worker clientId=connect-1] Failed to reconfigure connector's"
    " tasks ({}), retrying after backoff. (org.apache.kafka.connect.DistributedHerder)\n"
)
INVALID = (
    f"org.apache.kafka.common.config.ConfigException: Invalid value {SECRET} for configuration"
    " transforms.topic.type: Class x.Y could not be found.\n\tat a.b(C.java:1)\n"
)
WRAPPED = (
    "org.apache.kafka.connect.errors.ConnectException: Could not list tables\n\tat a.b(C.java:1)\n"
    "Caused by: java.io.IOException: refused\n\t... 7 more\n"
)
NEXT = "2026-11-28 15:28:02,000 INFO  [other] fine (x.Y)\n"


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("", ""),
        (NEXT, ""),
        (FAILED.format("other") + INVALID, ""),
        (FAILED.format("sink"), ""),
        (
            NEXT + FAILED.format("sink") + INVALID + NEXT,
            "transforms.topic.type: Class x.Y could not be found.",
        ),
        (FAILED.format("sink") + WRAPPED + NEXT, "refused"),
        (FAILED.format("sink") + INVALID + FAILED.format("sink") + WRAPPED, "refused"),
        (
            FAILED.format("sink") + "java.lang.NullPointerException\n" + NEXT,
            "java.lang.NullPointerException",
        ),
    ],
)
def test_the_reason_is_in_the_workers_log_without_the_value(log: str, reason: str) -> None:
    assert last_failure(log, "sink") == reason


PODS = "/api/v1/namespaces/data-ingestion/pods"
ACCESS = {
    "namespace": "data-ingestion",
    "service": "kafka-connect",
    "port": 8083,
    "context": "here",
}


class ApiServer:
    """Has three workers' pods, of which the last has the line and the second has no log yet."""

    def __init__(self, log: str) -> None:
        self.queries: list[dict[str, list[str]]] = []
        pods = {"worker-0": "Running", "worker-1": "Pending", "worker-2": "Running"}
        items = [
            {"metadata": {"name": name}, "status": {"phase": phase}} for name, phase in pods.items()
        ]
        self.answers = {
            PODS: respond(200, {"kind": "PodList", "apiVersion": "v1", "items": items}),
            f"{PODS}/worker-0/log": respond(200, NEXT),
            f"{PODS}/worker-2/log": respond(200, log),
        }

    def __call__(self, request: Request) -> None:
        """Answer a request."""
        url = urlparse(request.path)
        self.queries.append(parse_qs(url.query))
        self.answers.get(url.path, proxy_error(400, "is waiting to start"))(request)


@pytest.fixture
def reason_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask an API server for the reason, within the last 42 seconds."""

    def ask(server: ApiServer) -> str:
        with serve(FailingConnect(otherwise=server)) as address:
            use_kubeconfig(monkeypatch, kubeconfig(tmp_path, address.url))
            return reconfiguration_failure(ACCESS, "sink", 42.9)

    return ask


def test_every_worker_is_looked_at_for_what_was_logged_since(reason_of: Any) -> None:
    server = ApiServer(FAILED.format("sink") + INVALID)
    assert reason_of(server) == (
        "Kafka Connect, which can't configure the tasks: transforms.topic.type: Class x.Y could not"
        " be found."
    )
    selector, *logs = server.queries
    assert selector == {"labelSelector": ["app.kubernetes.io/name=kafka-connect"]}
    assert [query["sinceSeconds"] for query in logs] == [["42"], ["42"]]


def test_without_the_line_nothing_is_said(reason_of: Any) -> None:
    assert reason_of(ApiServer(NEXT)) == ""
    assert reconfiguration_failure({"url": "http://127.0.0.1:9"}, "sink", 1) == ""


def test_a_refused_log_is_said(reason_of: Any) -> None:
    server = ApiServer("")
    server.answers[f"{PODS}/worker-0/log"] = proxy_error(403, "pods is forbidden")
    assert reason_of(server) == ("an unknown reason, as the workers' logs can't be read: Forbidden")


@pytest.mark.parametrize(
    ("status", "transaction", "said"),
    [
        (Status("RUNNING", ("RUNNING",), (), earlier=("topics",)), "", "the log's"),
        (Status("RUNNING", (), ()), "", "the log's"),
        (Status("RUNNING", (), ()), "the transaction", "the transaction"),
        (Status("RUNNING", ("UNASSIGNED",), ()), "the transaction", "the transaction"),
        (Status("RUNNING", ("UNASSIGNED",), ()), "", ""),
        (Status("UNASSIGNED", (), ()), "", ""),
        (None, "the transaction", "the transaction"),
    ],
)
def test_a_log_is_read_only_where_the_tasks_lack_their_configuration(
    monkeypatch: pytest.MonkeyPatch, status: Status | None, transaction: str, said: str
) -> None:
    monkeypatch.setattr(waiting, "open_transactions", lambda _: transaction)
    monkeypatch.setattr(waiting, "reconfiguration_failure", lambda *_: "the log's")
    assert waiting_reasons({"access": {}, "name": "c", "config": {}}, 0, status) == said
