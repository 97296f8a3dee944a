"""Connect is reached through the API server's proxy with the kubeconfig, or by its URL."""

from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from kafka_connect.access import DirectUrl, ServiceProxy, open_access
from kafka_connect.client import ConnectClient
from kafka_connect.cluster_access import ClusterAccessError
from tests.kafka_connect.connect_in_memory import ConnectInMemory, state
from tests.kafka_connect.failing_connect import FailingConnect, Request, serve
from tests.kubeconfig import use_kubeconfig

PROXY = "/api/v1/namespaces/data-ingestion/services/kafka-connect:8083/proxy"


class ApiServer:
    """Passes what comes with the right token and path on to a Connect in memory."""

    def __init__(self) -> None:
        self.tokens: list[str | None] = []
        self.connect = ConnectInMemory(states=[state("RUNNING", "RUNNING")], configs={"c": {}})

    def __call__(self, request: Request) -> None:
        """Answer a request."""
        self.tokens.append(request.headers["Authorization"])
        assert request.path.startswith(f"{PROXY}/"), request.path
        request.path = request.path.removeprefix(PROXY)
        self.connect(request)


def kubeconfig(folder: Path, server: str) -> str:
    """Return a kubeconfig with two contexts, of which the second leads to `server`."""
    file = folder / "config"
    clusters = {"elsewhere": "http://127.0.0.1:9", "here": server}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": n, "cluster": {"server": url}} for n, url in clusters.items()],
        "users": [{"name": "me", "user": {"token": "my-token"}}],
        "contexts": [{"name": n, "context": {"cluster": n, "user": "me"}} for n in clusters],
        "current-context": "elsewhere",
    }
    file.write_text(yaml.safe_dump(document))
    return str(file)


def test_requests_go_through_the_api_server_of_the_context_as_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_server = ApiServer()
    with serve(FailingConnect(otherwise=api_server)) as server:
        use_kubeconfig(monkeypatch, kubeconfig(tmp_path, server.url))
        # Pulumi hands the port over as a float.
        access = ServiceProxy("data-ingestion", "kafka-connect", 8083, "here").inputs()
        client = ConnectClient(*open_access({**access, "port": 8083.0}))
        assert client.answers(timeout=20)
        assert client.status("c")["connector"]["state"] == "RUNNING"
    assert set(api_server.tokens) == {"Bearer my-token"}


def test_a_context_that_is_not_in_the_kubeconfig_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_kubeconfig(monkeypatch, kubeconfig(tmp_path, "http://127.0.0.1:9"))
    access = ServiceProxy("data-ingestion", "kafka-connect", 8083, "nowhere")
    with pytest.raises(ClusterAccessError, match="nowhere"):
        open_access(access.inputs())


def test_a_url_needs_no_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    use_kubeconfig(monkeypatch, "/nonexistent")
    session, url = open_access(DirectUrl("http://connect:8083/").inputs())
    assert url == "http://connect:8083"
    assert session.auth is None


def test_the_environments_authorities_and_users_are_a_urls_and_not_the_kubeconfigs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQUESTS_CA_BUNDLE would take the place of the cluster's own, and .netrc of its user."""
    use_kubeconfig(monkeypatch, kubeconfig(tmp_path, "http://127.0.0.1:9"))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/authorities.pem")
    proxied = ServiceProxy("data-ingestion", "kafka-connect", 8083, "here").inputs()
    assert used(*open_access(proxied)) == (True, "Bearer my-token")
    authorities, login = used(*open_access({"url": "http://127.0.0.1:9"}))
    assert authorities == "/authorities.pem"
    assert login.startswith("Basic ")


def used(session: requests.Session, url: str) -> tuple[Any, str]:
    """Return the authorities that a request is checked against, and its login."""
    sent: list[tuple[Any, str]] = []

    def send(request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        sent.append((settings["verify"], request.headers["Authorization"]))
        answer = requests.Response()
        answer.status_code, answer._content = 200, b"[]"
        return answer

    client = ConnectClient(session, url)
    session.send = send  # type: ignore[method-assign]
    client.plugin_classes()
    return sent[0]
