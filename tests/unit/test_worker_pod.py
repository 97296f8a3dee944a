"""A database looked at from a worker's pod: its scripts run here, in place of Kubernetes' exec.

tests/e2e looks from the deployed worker.
"""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from components.source.existing.doctor import examine
from components.source.existing.problem import UnreachableError
from components.source.existing.reach import connected, way_to
from components.source.existing.vantage import ThisMachine, UnusableVantageError
from components.source.existing.vantage_choice import open_way
from components.source.existing.worker_pod import WorkerPod
from tests.postgres_versions.servers import ExistingServer, existing_server

pytestmark = pytest.mark.postgres_versions


class LocalStream:
    """What the pod's exec would give, of a command on this machine."""

    def __init__(self, command: list[str]) -> None:
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())
        theirs.close()
        self.sock = SimpleNamespace(sock=ours)
        self._received = b""
        self._is_open = True

    def is_open(self) -> bool:
        return self._is_open

    def update(self, timeout: float) -> None:
        del timeout
        received = self.sock.sock.recv(4096)
        self._is_open = bool(received)
        self._received += received

    def read_stdout(self, timeout: float) -> bytes:
        del timeout
        received, self._received = self._received, b""
        return received

    def write_stdin(self, data: bytes) -> None:
        self.sock.sock.sendall(data)

    def close(self) -> None:
        self.sock.sock.close()


@dataclass(frozen=True)
class LocalPod(WorkerPod):
    """A pod whose network is this machine's."""

    streams: list[LocalStream]

    def _run(self, script: str, *arguments: str) -> str:
        command = ["bash", "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout + done.stderr).strip()

    def _stream(self, command: list[str]) -> Any:
        self.streams.append(LocalStream(command))
        return self.streams[-1]


@pytest.fixture
def pod() -> LocalPod:
    return LocalPod(None, "data-ingestion", "kafka-connect-1", [])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[ExistingServer]:
    with existing_server(16) as running:
        running.prepare()
        yield running


def test_the_checks_are_the_same_through_a_pod(server: ExistingServer, pod: LocalPod) -> None:
    way = way_to("shop", server.source(), pod)
    assert [each.level for each in examine(way, avro_names=True, entries={})] == ["not checked"]
    for stream in pod.streams:
        stream.process.wait(timeout=10)  # nothing is left behind in the pod


def test_long_answers_pass_the_relay_whole(server: ExistingServer, pod: LocalPod) -> None:
    query = b"SELECT string_agg(md5(n::text), '') FROM generate_series(1, 100000) AS n"
    with connected(way_to("shop", server.source(), pod)) as connection:
        (text,) = connection.execute(query).fetchone() or ("",)
    assert len(text) == 32 * 100_000
    assert server.execute(query.decode()) == [(text,)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"host": "no-such-host.invalid"},
            "DNS: no-such-host.invalid has no IPv4 address for the worker's pod kafka-connect-1",
        ),
        (
            {"port": 1},
            "TCP: 127.0.0.1:1 can't be reached from the worker's pod kafka-connect-1: Connection"
            " refused",
        ),
        ({"password": "wrong"}, "password: password authentication failed"),
        ({"sslMode": "disable", "caCertificate": None}, "pg_hba.conf: no pg_hba.conf entry"),
    ],
)
def test_the_hop_that_fails_is_the_pods(
    server: ExistingServer, pod: LocalPod, changed: dict[str, Any], reason: str
) -> None:
    with (
        pytest.raises(UnreachableError) as failed,
        connected(way_to("shop", server.source(**changed), pod)),
    ):
        pass
    assert failed.value.problem.reason.startswith(reason)


def test_an_exec_that_is_refused_is_not_taken_for_the_databases_answer(
    server: ExistingServer, pod: LocalPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pod: LocalPod, _command: list[str]) -> None:
        raise UnusableVantageError("403 Forbidden")

    way = way_to("shop", server.source(), pod)
    monkeypatch.setattr(LocalPod, "_stream", refuse)
    with pytest.raises(UnusableVantageError, match="403 Forbidden"):
        way_to("shop", server.source(), pod)
    with pytest.raises(UnreachableError, match="Kubernetes: 403 Forbidden"), connected(way):
        pass


@dataclass(frozen=True)
class Place:
    """Where the worker runs; NetworkPolicies let it connect, or not."""

    worker: WorkerPod | None
    allows: bool = True

    def pod(self) -> WorkerPod:
        if self.worker is None:
            raise UnusableVantageError("no worker is ready in the namespace data-ingestion")
        return self.worker

    def may_connect(self, _address: str, _port: int) -> bool:
        return self.allows


class Blocked(LocalPod):
    """A pod whose packets are dropped."""

    def try_tcp(self, address: str, port: int) -> None:
        raise TimeoutError


def opened(server: ExistingServer, place: Place, where: Any = None) -> Any:
    return open_way("shop", server.source(), place, where)  # type: ignore[arg-type]


def test_the_place_is_the_pod_if_there_is_one(server: ExistingServer, pod: LocalPod) -> None:
    way = opened(server, Place(pod))
    assert (way.vantage, way.why_here) == (pod, None)
    way = opened(server, Place(None))
    assert way.vantage.name == "this machine"
    assert way.why_here == "no worker is ready in the namespace data-ingestion"
    assert opened(server, Place(pod), "here").vantage.name == "this machine"
    with pytest.raises(UnreachableError, match="Kubernetes: no worker is ready"):
        opened(server, Place(None), "cluster")


def test_a_policy_that_is_not_deployed_yet_is_told_from_a_network_that_blocks(
    server: ExistingServer, pod: LocalPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = Blocked(pod.api_client, pod.namespace, pod.pod, [])
    assert "NetworkPolicies do not let the worker connect" in (
        opened(server, Place(blocked, allows=False)).why_here
    )
    with pytest.raises(UnreachableError) as failed:
        opened(server, Place(blocked))
    assert "answers this machine, but not the worker's pod" in failed.value.problem.reason
    monkeypatch.setattr(ThisMachine, "try_tcp", Blocked.try_tcp)
    with pytest.raises(UnreachableError) as failed:
        opened(server, Place(blocked))
    assert "does not answer the worker's pod kafka-connect-1" in failed.value.problem.reason
