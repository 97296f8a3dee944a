"""Runs a command in a pod with text as its standard input, through the Kubernetes API."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_connect.explained_error import ExplainedError
from polling import NotReadyError, poll_until

if TYPE_CHECKING:
    from kubernetes import client
    from kubernetes.stream.ws_client import WSClient

POLL_SECONDS = 3
# Characters of standard input per message.
CHUNK = 16 * 1024
OUTCOME_CHANNEL = 3
NOT_FOUND = 404
READY = "ready"
NO_POD = "the pod does not exist"


class PodExecError(ExplainedError):
    """A command could not be run in a pod, or it failed; the message says why."""


@dataclass(frozen=True)
class PodCommand:
    """A command in a container of a pod."""

    namespace: str
    pod: str
    container: str
    command: list[str]

    def run(self, api_client: client.ApiClient, text: str, timeout_seconds: float) -> str:
        """Wait until the container is ready, run the command on `text` and return its output.

        The exec protocol can't close the command's standard input: `text` must end the command.
        Raises PodExecError with the command's output if it fails or takes too long, or with the
        API server's reason.
        """
        with self._explained():
            return self._run(api_client, text, timeout_seconds)

    def _run(self, api_client: client.ApiClient, text: str, timeout_seconds: float) -> str:
        # Slow, and not needed to preview.
        from kubernetes import client  # noqa: PLC0415
        from websocket import WebSocketConnectionClosedException  # noqa: PLC0415

        deadline = time.monotonic() + timeout_seconds
        api = client.CoreV1Api(api_client)
        self._wait_until_ready(api, timeout_seconds)
        connection = self.open(api)
        for start in range(0, len(text), CHUNK):
            connection.write_stdin(text[start : start + CHUNK])
        try:
            connection.run_forever(timeout=max(1.0, deadline - time.monotonic()))
        except WebSocketConnectionClosedException:
            # Ended without a last frame; the command's outcome may have arrived before.
            connection.close()
        if connection.is_open():
            connection.close()
            raise PodExecError(f"{self._where} timed out after {timeout_seconds:.0f} s")
        output = str(connection.read_stdout() + connection.read_stderr()).strip()
        failure = _failure(connection.read_channel(OUTCOME_CHANNEL))
        if failure is not None:
            raise PodExecError(f"{self._where} failed: {failure}\n{output}")
        return output

    def open(self, api: client.CoreV1Api, **options: bool) -> WSClient:
        """Start the command; return the connection to it. `options` are stream()'s.

        Raises ApiException where the API server refuses.
        """
        from kubernetes import stream  # noqa: PLC0415  slow, and not needed to preview

        opened: WSClient = stream.stream(
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
            **options,
        )
        return opened

    def pod_exists(self, api_client: client.ApiClient) -> bool:
        """Return whether the pod exists, ready or not."""
        from kubernetes import client  # noqa: PLC0415

        with self._explained():
            return self._state(client.CoreV1Api(api_client)) != NO_POD

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise PodExecError where the API server refuses a request or does not answer."""
        from kubernetes import client  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            yield
        except client.ApiException as error:
            raise PodExecError(
                f"{self._where}: the Kubernetes API server refuses: {error.status} {error.reason}."
                " The kubeconfig's user needs the verb get on pods and create on pods/exec in that"
                " namespace."
            ) from None
        except HTTPError as error:
            raise PodExecError(
                f"{self._where}: the Kubernetes API server does not answer: {error}. Check that"
                " kubectl works with the same kubeconfig and context."
            ) from None

    def _wait_until_ready(self, api: client.CoreV1Api, timeout_seconds: float) -> None:
        """Wait for the container and print each state that it has meanwhile."""
        pod = f"pod {self.namespace}/{self.pod}"
        last_state = None

        def is_ready() -> bool:
            nonlocal last_state
            state = self._state(api)
            if state == READY:
                return True
            if state != last_state:
                print(f"waiting for {pod}: {state}", file=sys.stderr)
            last_state = state
            raise NotReadyError(state)

        poll_until(
            is_ready,
            timeout=timeout_seconds,
            interval=POLL_SECONDS,
            description=pod,
            error=lambda message: PodExecError(
                f"{message}; run: kubectl -n {self.namespace} describe pod {self.pod}"
            ),
        )

    def _state(self, api: client.CoreV1Api) -> str:
        """Return READY, or what the container is doing instead."""
        from kubernetes import client  # noqa: PLC0415

        try:
            pod = api.read_namespaced_pod(self.pod, self.namespace)
        except client.ApiException as error:
            if error.status != NOT_FOUND:
                raise
            return NO_POD
        if pod.status is None:
            return "no node has started it"
        for status in pod.status.container_statuses or []:
            if status.name == self.container:
                return READY if status.ready else _reason(status.state)
        return str(pod.status.phase)

    @property
    def _where(self) -> str:
        return f"{self.command[0]} in pod {self.namespace}/{self.pod}"


def _failure(outcome: str) -> str | None:
    """Return why a command failed, from Kubernetes' Status object as JSON; None if it did not."""
    if not outcome:
        return "the connection to the pod was lost"
    status = json.loads(outcome)
    if status["status"] == "Success":
        return None
    if status.get("reason") == "NonZeroExitCode":
        return f"exit code {status['details']['causes'][0]['message']}"
    return str(status["message"])


def _reason(state: Any) -> str:
    """Return a container's state in a word or two, e.g. CrashLoopBackOff."""
    if state.waiting:
        return str(state.waiting.reason)
    if state.terminated:
        return f"terminated, {state.terminated.reason}"
    return "running, not ready"
