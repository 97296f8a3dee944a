"""The rendered rules in a kernel: real connections between namespaces laid out like pods."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from polling.lines import LineReader
from sandbox.node.network_policy.objects import Cluster, Pod
from sandbox.node.network_policy.ruleset import render
from tools import paths

NFT = paths.binaries() / "nft"
pytestmark = [pytest.mark.root, pytest.mark.nftables]

NODE, SERVER, CLIENT, STRANGER, UNKNOWN = "10.231.0.1", *(f"10.231.0.{n}" for n in range(2, 6))
SERVICE = "10.231.64.9"
# The rules of kube-proxy: a Service of the server, and its way back to itself.
SERVICES = f"""
table ip services {{
  chain before {{
    type nat hook prerouting priority dstnat
    ip daddr {SERVICE} tcp dport 80 dnat to {SERVER}:8080
  }}
  chain after {{
    type nat hook postrouting priority srcnat
    ip saddr {SERVER} ip daddr {SERVER} masquerade
  }}
}}
"""

LISTEN = """
import socket, sys, time
listening = [socket.create_server(("", int(port))) for port in sys.argv[1:]]
print("listening", flush=True)
time.sleep(300)
"""

OUTCOMES = {"No route to host": "refused", "Connection refused": "closed port", "": "connected"}


def run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, text=True, check=True)


def namespace(address: str) -> str:
    return f"datapipe-test-{os.getpid()}-{address.rpartition('.')[2]}"


def inside(address: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", namespace(address), *command]


def connect(source: str, address: str, port: int) -> str:
    """Return what becomes of a connection."""
    attempt = f"exec 3<>/dev/tcp/{address}/{port}"
    done = subprocess.run(
        inside(source, "timeout", "5", "bash", "-c", attempt),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode == 124:
        return "no answer"
    return OUTCOMES[done.stderr.strip().rpartition(": ")[2]]


def link_pod(number: int, address: str) -> None:
    """Create a pod's link as the node's CNI plugin does: point to point, routed by the node."""
    link = f"veth{number}"
    peer = ["type", "veth", "peer", "name", "eth0", "netns", namespace(address)]
    for command in (
        inside(NODE, "ip", "link", "add", link, *peer),
        inside(NODE, "ip", "address", "add", f"{NODE}/32", "dev", link),
        inside(NODE, "ip", "link", "set", link, "up"),
        inside(NODE, "ip", "route", "add", f"{address}/32", "dev", link, "src", NODE),
        inside(address, "ip", "address", "add", f"{address}/32", "dev", "eth0"),
        inside(address, "ip", "link", "set", "lo", "up"),
        inside(address, "ip", "link", "set", "eth0", "up"),
        inside(address, "ip", "route", "add", NODE, "dev", "eth0", "scope", "link"),
        inside(address, "ip", "route", "add", "default", "via", NODE),
    ):
        run(*command)


def listen(stack: ExitStack, address: str, *ports: str) -> None:
    command = inside(address, sys.executable, "-c", LISTEN, *ports)
    server = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(server.kill)
    assert server.stdout is not None
    assert LineReader(server.stdout).next_line(60) == "listening"


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """A node with four pods, of which its rules know three."""
    with ExitStack() as stack:
        for address in (NODE, SERVER, CLIENT, STRANGER, UNKNOWN):
            run("ip", "netns", "add", namespace(address))
            stack.callback(run, "ip", "netns", "delete", namespace(address))
        run(*inside(NODE, "ip", "link", "set", "lo", "up"))
        run(*inside(NODE, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1"))
        for number, address in enumerate((SERVER, CLIENT, STRANGER, UNKNOWN)):
            link_pod(number, address)
        listen(stack, SERVER, "8080", "9000", "9100")
        listen(stack, NODE, "5566", "16443")
        rules = render(Cluster(pods(), {"a": {}}, policies()))
        run(*inside(NODE, str(NFT), "-f", "-"), text=rules)
        run(*inside(NODE, str(NFT), "-f", "-"), text=SERVICES)
        yield


def pods() -> list[Pod]:
    server = Pod(
        "a", "server", SERVER, {"app": "server"}, {("TCP", "http"): 8080}, frozenset({9000})
    )
    return [server, Pod("a", "client", CLIENT, {"app": "client"}), Pod("a", "stranger", STRANGER)]


def policies() -> list[dict[str, object]]:
    """Allow the client to reach the server's port http, and the server a range of the node's."""
    client = {"podSelector": {"matchLabels": {"app": "client"}}}
    node = {"ipBlock": {"cidr": "10.231.0.0/28", "except": ["10.231.0.2/31", "10.231.0.4/30"]}}
    spec = {
        "podSelector": {"matchLabels": {"app": "server"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [client], "ports": [{"port": "http"}]}],
        "egress": [{"to": [node], "ports": [{"port": 5560, "endPort": 5570}]}],
    }
    return [{"metadata": {"name": "server", "namespace": "a"}, "spec": spec}]


@pytest.mark.parametrize(
    ("source", "address", "port", "outcome"),
    [
        pytest.param(CLIENT, SERVER, 8080, "connected", id="allowed"),
        pytest.param(CLIENT, SERVICE, 80, "connected", id="allowed, by way of a service"),
        pytest.param(CLIENT, SERVER, 9100, "refused", id="another port"),
        pytest.param(STRANGER, SERVER, 8080, "refused", id="another pod"),
        pytest.param(STRANGER, SERVICE, 80, "refused", id="another pod, by way of a service"),
        pytest.param(UNKNOWN, SERVER, 8080, "no answer", id="a pod not known yet"),
        pytest.param(UNKNOWN, NODE, 5566, "no answer", id="a pod not known yet, to the node"),
        pytest.param(STRANGER, CLIENT, 1, "closed port", id="pods without policies"),
        pytest.param(STRANGER, NODE, 16443, "connected", id="to the node without policies"),
        pytest.param(SERVER, SERVICE, 80, "connected", id="itself, by way of a service"),
        pytest.param(SERVER, NODE, 5566, "connected", id="the node's allowed port"),
        pytest.param(SERVER, NODE, 16443, "refused", id="the node's other port"),
        pytest.param(SERVER, CLIENT, 5566, "refused", id="excepted from the range"),
        pytest.param(NODE, SERVER, 9000, "connected", id="the kubelet's probe"),
        pytest.param(NODE, SERVER, 8080, "refused", id="the node where no rule names it"),
    ],
)
def test_a_connection_ends_as_the_policies_say(
    source: str, address: str, port: int, outcome: str
) -> None:
    assert connect(source, address, port) == outcome
