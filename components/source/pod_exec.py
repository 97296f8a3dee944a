"""Runs a command in a pod with text as its standard input, through the Kubernetes API."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernetes import client

POLL_SECONDS = 3
CHUNK = 16 * 1024
"""characters of standard input per message"""
OUTCOME_CHANNEL = 3
NOT_FOUND = 404
NO_POD = "there is no such pod yet"


class PodExecError(RuntimeError):
    """The command could not be run or failed; the message says why."""


@dataclass(frozen=True)
class PodCommand:
    """A command in a container of a pod."""

    namespace: str
    pod: str
    container: str
    command: list[str]

    def run(self, api_client: client.ApiClient, text: str, timeout_seconds: float) -> str:
        """Wait for the container to be ready, run the command on `text`, return its output.

        The exec protocol can't close the command's standard input: `text` must end the command.
        Raises PodExecError with what the command said where it fails or takes too long.
        """
        from kubernetes import client, stream  # noqa: PLC0415  slow, and not needed to preview

        deadline = time.monotonic() + timeout_seconds
        api = client.CoreV1Api(api_client)
        self._wait_until_ready(api, deadline)
        connection = stream.stream(
            api.connect_get_namespaced_pod_exec,
            self.pod,
            self.namespace,
            container=self.container,
            command=self.command,
            stdin=True,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
        )
        for start in range(0, len(text), CHUNK):
            connection.write_stdin(text[start : start + CHUNK])
        connection.run_forever(timeout=max(1.0, deadline - time.monotonic()))
        if connection.is_open():
            connection.close()
            raise PodExecError(f"{self._where} did not finish in {timeout_seconds:.0f} s")
        output = str(connection.read_stdout() + connection.read_stderr()).strip()
        failure = _failure(connection.read_channel(OUTCOME_CHANNEL))
        if failure is not None:
            raise PodExecError(f"{self._where} failed, {failure}:\n{output}")
        return output

    def pod_is_there(self, api_client: client.ApiClient) -> bool:
        """Whether the pod exists, ready or not."""
        from kubernetes import client  # noqa: PLC0415

        return self._state(client.CoreV1Api(api_client)) != NO_POD

    def _wait_until_ready(self, api: client.CoreV1Api, deadline: float) -> None:
        """Raises PodExecError with the container's state where it is not ready in time."""
        told = ""
        while (state := self._state(api)) != "ready":
            if state != told:
                print(f"waiting for pod {self.namespace}/{self.pod}: {state}", file=sys.stderr)
                told = state
            if time.monotonic() > deadline:
                raise PodExecError(
                    f"pod {self.namespace}/{self.pod} is not ready: {state}. See"
                    f" kubectl -n {self.namespace} describe pod {self.pod}, and its logs."
                )
            time.sleep(POLL_SECONDS)

    def _state(self, api: client.CoreV1Api) -> str:
        """`ready`, or what the container is doing instead."""
        from kubernetes import client  # noqa: PLC0415

        try:
            pod = api.read_namespaced_pod(self.pod, self.namespace)
        except client.ApiException as error:
            if error.status != NOT_FOUND:
                raise
            return NO_POD
        if pod.status is None:
            return "not seen by a node yet"
        for status in pod.status.container_statuses or []:
            if status.name == self.container:
                return "ready" if status.ready else _reason(status.state)
        return str(pod.status.phase)

    @property
    def _where(self) -> str:
        return f"{self.command[0]} in pod {self.namespace}/{self.pod}"


def _failure(outcome: str) -> str | None:
    """What Kubernetes says about the command's end, a Status object as JSON; None: it succeeded."""
    if not outcome:
        return "the connection to the pod was lost"
    status = json.loads(outcome)
    if status["status"] == "Success":
        return None
    if status.get("reason") == "NonZeroExitCode":
        return f"exit code {status['details']['causes'][0]['message']}"
    return str(status["message"])


def _reason(state: Any) -> str:
    """A container's state in a word or two, e.g. CrashLoopBackOff."""
    if state.waiting:
        return str(state.waiting.reason)
    if state.terminated:
        return f"terminated, {state.terminated.reason}"
    return "running, not ready"
