"""The Connect worker's pod as a vantage point: its DNS, its NetworkPolicies, its addresses.

It needs bash, timeout and getent, which the workers' images have. Connections are relayed through
Kubernetes' exec, so that TLS and the password are between this machine and the database.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from components.source.existing.relay import relay
from components.source.existing.vantage import (
    CONNECT_SECONDS,
    UnresolvedHostError,
    UnusableVantageError,
)
from components.source.pod_exec import PodCommand, PodExecError
from components.workloads import Workload
from kafka_connect.cluster_access import ClusterAccessError

if TYPE_CHECKING:
    from kubernetes import client
    from kubernetes.stream.ws_client import WSClient

WORKER = Workload.CONNECT
ANSWER_SECONDS = 30
# Nothing that is started in the pod outlives this, even if the API server is lost meanwhile.
RELAY_SECONDS = 3600
NOT_FOUND_BY_GETENT = 2

# Prints getent's exit code, then what it found.
_RESOLVE = 'found=$(getent ahostsv4 "$0" 2>&1); echo "$?"; echo "$found"'
# Prints nothing, or the error.
_TRY_TCP = f"""
error=$(timeout {CONNECT_SECONDS} bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$0" "$1" 2>&1)
case "$?" in 0) ;; 124) echo timeout ;; *) echo "$error" ;; esac
"""
# bash gives a background command /dev/null, unless its standard input is redirected.
_RELAY = """
exec 3<>"/dev/tcp/$0/$1" || exit 1
cat <&3 & cat <&0 >&3 & wait -n
kill $(jobs -p)
"""


@dataclass(frozen=True)
class WorkerPod:
    """A pod of the worker that is ready."""

    api_client: client.ApiClient
    namespace: str
    pod: str

    @property
    def name(self) -> str:
        return f"the worker's pod {self.pod}"

    def resolve(self, host: str) -> list[str]:
        code, *lines = self._run(_RESOLVE, host).splitlines()
        if int(code) == NOT_FOUND_BY_GETENT:
            raise UnresolvedHostError("Name or service not known")
        if int(code) != 0:
            raise UnusableVantageError(f"getent fails in {self.name}: {' '.join(lines)}")
        return [line.split()[0] for line in lines]

    def try_tcp(self, address: str, port: int) -> None:
        error = self._run(_TRY_TCP, address, str(port))
        if error == "timeout":
            raise TimeoutError
        for code in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT):
            if os.strerror(code) in error:
                raise OSError(code, os.strerror(code))  # a TimeoutError where it is one
        if error:
            raise UnusableVantageError(f"bash fails in {self.name}: {error}")

    def forwarded(self, address: str, port: int) -> AbstractContextManager[tuple[str, int]]:
        command = ["timeout", str(RELAY_SECONDS), "bash", "-c", _RELAY, address, str(port)]
        return relay(lambda: self._stream(command))

    def clock(self) -> float:
        # busybox knows no fractions.
        return float(self._run("date +%s")) + 0.5

    def _run(self, script: str, *arguments: str) -> str:
        command = ["bash", "-c", script, *arguments]
        try:
            return PodCommand(self.namespace, self.pod, WORKER, command).run(
                self.api_client, "", ANSWER_SECONDS
            )
        except PodExecError as error:
            raise UnusableVantageError(str(error)) from None

    def _stream(self, command: list[str]) -> WSClient:
        from kubernetes import client  # noqa: PLC0415  slow, and not needed to preview

        # A client of its own: stream() changes it while it connects.
        api = client.CoreV1Api(client.ApiClient(self.api_client.configuration))
        with explained():
            return PodCommand(self.namespace, self.pod, WORKER, command).open(api, binary=True)


@contextmanager
def explained() -> Iterator[None]:
    """Raise UnusableVantageError where the API server refuses a request or does not answer."""
    from kubernetes import client  # noqa: PLC0415

    try:
        yield
    except client.ApiException as error:
        raise UnusableVantageError(
            f"the Kubernetes API server refuses: {error.status} {error.reason}; the kubeconfig's"
            " user needs list on pods and networkpolicies, and create on pods/exec"
        ) from None
    except HTTPError as error:
        raise UnusableVantageError(f"the Kubernetes API server does not answer: {error}") from None
    except ClusterAccessError as error:
        raise UnusableVantageError(str(error)) from None
