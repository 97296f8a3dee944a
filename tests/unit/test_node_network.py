"""`cluster.nodeNetwork` is compared with the nodes of the cluster, which a stand-in lists."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml

from components.config.cluster import ClusterSettings
from components.config.load import ConfigError
from components.security.node_network import internal_addresses, outside, require_node_network
from tests.kubeconfig import use_kubeconfig

KIND = IPv4Network("172.18.0.0/16")


def node(*addresses: str) -> dict[str, object]:
    """Return a node as the API server lists it."""
    internal = [{"type": "InternalIP", "address": address} for address in addresses]
    return {"status": {"addresses": [*internal, {"type": "Hostname", "address": "worker"}]}}


@contextmanager
def api_server(status: int, *nodes: dict[str, object]) -> Iterator[str]:
    """Answer every request with a list of nodes; yields the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"items": nodes}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  name of the base class
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def use_cluster(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kind-datapipe",
        "contexts": [{"name": "kind-datapipe", "context": {"cluster": "kind", "user": "kind"}}],
        "clusters": [{"name": "kind", "cluster": {"server": server}}],
        "users": [{"name": "kind", "user": {}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    use_kubeconfig(monkeypatch, str(folder / "kubeconfig"))


SETTINGS = ClusterSettings(context="kind-datapipe", node_network=KIND)


def test_dockers_other_network_is_refused_with_the_key_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_server(200, node("172.19.0.2"), node("172.19.0.3", "fc00:f853::3")) as server:
        use_cluster(tmp_path, server, monkeypatch)
        with pytest.raises(ConfigError) as refused:
            require_node_network(SETTINGS)
    assert (
        "datapipe:cluster.nodeNetwork: 172.18.0.0/16 does not contain the nodes' addresses"
        " 172.19.0.2, 172.19.0.3; set it to the network of the cluster's nodes,"
        " e.g. 172.19.0.0/16" in str(refused.value)
    )


@pytest.mark.parametrize("status", [200, 403, 500])
def test_the_right_network_passes_and_what_cannot_be_asked_refuses_nothing(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [node("172.18.0.2")] if status == 200 else []
    with api_server(status, *nodes) as server:
        use_cluster(tmp_path, server, monkeypatch)
        require_node_network(SETTINGS)


def test_without_a_cluster_nothing_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cluster(tmp_path, "http://127.0.0.1:9", monkeypatch)
    require_node_network(SETTINGS)


def test_nodes_in_several_networks_get_no_example() -> None:
    problem = outside(KIND, [IPv4Address("10.0.1.5"), IPv4Address("10.1.2.7")])
    assert problem is not None
    assert "10.0.1.5, 10.1.2.7" in problem
    assert "e.g." not in problem


def test_a_node_without_an_address_yet_is_left_out() -> None:
    assert internal_addresses([{}, node("172.18.0.4")]) == [IPv4Address("172.18.0.4")]
