"""Bringing the node up, healing it, and taking it down."""

import http.client
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from images import build as image_builds
from sandbox import aws, paths, supervisor
from sandbox.node import (
    addresses,
    api_server,
    cgroups,
    configuration,
    kubeconfig,
    network,
    pki,
    teardown,
)
from sandbox.node import programs as node_programs
from sandbox.node.images import IMAGES
from sandbox.node.network_policy import table as policy_table
from sandbox.supervisor import Program
from tools import official
from tools import paths as tool_paths
from tools.errors import UserError
from tools.progress import Progress, tail

# The namespace of containerd in which the kubelet looks for images.
NAMESPACE = "k8s.io"

_POLL_SECONDS = 0.3
_TOLD_EVERY_SECONDS = 5.0
_GIVEN_UP = {"FATAL"}


@dataclass(frozen=True)
class Check:
    """One thing that must be true of a healthy node, and the programs that make it so."""

    what: str
    holds: Callable[[], bool]
    programs: tuple[str, ...]
    seconds: float


CONTAINERD = Check("containerd", lambda: _accepts(paths.CONTAINERD_SOCKET), ("containerd",), 30)
API_SERVER = Check("the API server", api_server.is_ready, ("etcd", "kube-apiserver"), 120)
KUBELET = Check(
    "the kubelet",
    lambda: _answers(addresses.KUBELET_HEALTH_PORT, "/healthz"),
    ("kubelet", "containerd"),
    60,
)
NODE = Check("the node to be Ready", api_server.node_is_ready, ("kubelet", "containerd"), 120)
SERVICES = Check(
    "kube-proxy",
    lambda: _answers(addresses.KUBE_PROXY_HEALTH_PORT, "/healthz"),
    ("kube-proxy",),
    60,
)
POLICIES = Check("network policies in force", policy_table.knows_every_pod, ("network-policy",), 60)
DNS = Check(
    "the cluster's DNS",
    api_server.dns_is_ready,
    ("kube-scheduler", "kube-controller-manager", "kubelet"),
    120,
)
AWS = Check("moto", aws.is_answering, ("moto",), 60)

CHECKS = (CONTAINERD, API_SERVER, KUBELET, NODE, SERVICES, POLICIES, DNS, AWS)


def start(progress: Progress) -> None:
    """Start a node from scratch on a machine that has nothing of one. Raises UserError."""
    _write_files()
    teardown.remember_folders()
    network.create()
    cgroups.create()
    supervisor.start(before_exec=cgroups.enter)
    programs = node_programs.programs()
    supervisor.start_stopped()
    _wait(CONTAINERD, programs, progress)
    image_builds.ensure(IMAGES, ctr(), progress)
    _finish(programs, progress)


def heal(progress: Progress) -> None:
    """Repair whatever of a running node is not as it should be; quick when nothing is amiss.

    Programs whose command or configuration changed since their start are restarted.
    """
    _write_files()
    cgroups.create()
    if not network.is_complete():
        progress("repairing the node's network")
        network.create()
    programs = node_programs.programs()
    for name in supervisor.apply_configuration(programs):
        progress(f"restarting {name}: its set-up changed")
    if started := supervisor.start_stopped():
        progress(f"starting {', '.join(started)}")
    _wait(CONTAINERD, programs, progress)
    image_builds.ensure(IMAGES, ctr(), progress)
    _finish(programs, progress)


def ctr() -> Sequence[str]:
    """Return containerd's client, set to the node's containerd and its Kubernetes namespace."""
    address = str(paths.CONTAINERD_SOCKET)
    return [str(tool_paths.binaries() / "ctr"), "--address", address, "--namespace", NAMESPACE]


def _write_files() -> None:
    for folder in (paths.STATE, paths.RUN, paths.VOLUMES, paths.PULUMI_BACKEND, paths.PULUMI_HOME):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    official.share_plugins(paths.PULUMI_HOME)
    pki.ensure()
    kubeconfig.write_all()
    configuration.write_all()
    supervisor.write_configuration(node_programs.programs())


def _finish(programs: Sequence[Program], progress: Progress) -> None:
    _wait(API_SERVER, programs, progress)
    api_server.apply_manifests()
    for check in (KUBELET, NODE, SERVICES, POLICIES, DNS, AWS):
        _wait(check, programs, progress)


def _wait(check: Check, programs: Sequence[Program], progress: Progress) -> None:
    start = told = time.monotonic()
    while not check.holds():
        now = time.monotonic()
        _fail_if_given_up(check, programs)
        if now - start > check.seconds:
            raise UserError(
                f"timed out after {check.seconds:.0f} s waiting for {check.what}.\n"
                f"{_logs(check, programs)}"
            )
        if now - told >= _TOLD_EVERY_SECONDS:
            progress(f"waiting for {check.what} … {now - start:.0f} s")
            told = now
        time.sleep(_POLL_SECONDS)


def _fail_if_given_up(check: Check, programs: Sequence[Program]) -> None:
    dead = [name for name, status in supervisor.statuses().items() if status.state in _GIVEN_UP]
    if dead:
        logs = "\n".join(_log(program) for program in programs if program.name in dead)
        raise UserError(f"{', '.join(dead)} does not stay up.\n{logs}")


def _logs(check: Check, programs: Sequence[Program]) -> str:
    return "\n".join(_log(program) for program in programs if program.name in check.programs)


def _log(program: Program) -> str:
    return f"The end of {program.log}:\n{tail(program.log)}"


def _accepts(listener: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(listener))
        except OSError:
            return False
    return True


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
