"""Requests to Schema Registry, by curl in its own pod: it admits no client from outside."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kubernetes import client, stream

from clients.cluster import REQUEST_SECONDS, Cluster
from clients.stack import StackError

LABEL = "app.kubernetes.io/name=schema-registry"
PATH = "/subjects"
# Separates curl's answer from the HTTP status.
STATUS = "\n%{http_code}"
NOT_FOUND = 404


class RunInPod(Protocol):
    """Runs a program in the registry's container; returns its standard output."""

    def __call__(self, command: Sequence[str]) -> str:
        """Raise kubernetes.client.ApiException if it can't be run."""


@dataclass(frozen=True)
class Registry:
    """Schema Registry of a stack."""

    # The pod's own readiness probe: curl with the registry's login, without the address.
    curl: tuple[str, ...]
    # Without a path.
    url: str
    run: RunInPod

    def compatibility(self, subject: str) -> str | None:
        """Return the subject's own compatibility level; None if it has the registry's."""
        answer = self._request("GET", f"/config/{subject}")
        return None if answer is None else str(answer["compatibilityLevel"])

    def default_compatibility(self) -> str:
        """Return the level of subjects without one of their own."""
        answer = self._request("GET", "/config")
        assert answer is not None  # noqa: S101  the registry always has one
        return str(answer["compatibilityLevel"])

    def set_compatibility(self, subject: str, level: str | None) -> None:
        """Set the subject's own level; None removes it."""
        if level is None:
            self._request("DELETE", f"/config/{subject}")
        else:
            self._request("PUT", f"/config/{subject}", {"compatibility": level})

    def versions(self, subject: str) -> list[int]:
        """Return the versions of a subject. Raises StackError if it does not exist."""
        answer = self._request("GET", f"/subjects/{subject}/versions")
        if answer is None:
            raise StackError(f"Schema Registry has no subject {subject}")
        return [int(version) for version in answer]

    def _request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """Return the answer; None for 404. Raises StackError for any other error."""
        data = ["--data", json.dumps(body)] if body is not None else []
        kind = ["--header", "Content-Type: application/json"]
        request = ["--request", method, *kind, *data, "--write-out", STATUS, f"{self.url}{path}"]
        text, _, status = self.run([*self.curl, *request]).rpartition("\n")
        if status in {"", "000"}:
            raise StackError("Schema Registry does not answer in its own pod; make status shows it")
        if status == str(NOT_FOUND):
            return None
        if not status.startswith("2"):
            raise StackError(f"Schema Registry answers {method} {path} with {status}: {text}")
        return json.loads(text)


def open_registry(cluster: Cluster) -> Registry:
    """Return the stack's registry. Raises StackError if the stack has none that runs."""
    path = f"/api/v1/namespaces/{cluster.namespace}/pods"
    pods = cluster.get(path, labelSelector=LABEL, fieldSelector="status.phase=Running")["items"]
    if not pods:
        raise StackError(
            f"no pod of Schema Registry runs in the namespace {cluster.namespace}; a stack with"
            " connect.converter: json has none, and no change of a type stops its source"
        )
    pod = pods[0]
    (container,) = pod["spec"]["containers"]
    *curl, address = container["readinessProbe"]["exec"]["command"]
    core = client.CoreV1Api(cluster.api)

    def run(command: Sequence[str]) -> str:
        connection = stream.stream(
            core.connect_get_namespaced_pod_exec,
            pod["metadata"]["name"],
            cluster.namespace,
            container=container["name"],
            command=list(command),
            stderr=False,
            stdin=False,
            stdout=True,
            tty=False,
            _preload_content=False,  # the client would parse the output
        )
        connection.run_forever(timeout=REQUEST_SECONDS)
        output = str(connection.read_stdout())
        connection.close()
        return output

    return Registry(tuple(shows_answers(curl)), address.removesuffix(PATH), run)


def shows_answers(curl: Sequence[str]) -> list[str]:
    """Return the probe's command without the options that hide an answer or an error's body."""
    kept, words = [], iter(curl)
    for word in words:
        if word == "--output":
            next(words)
        elif word != "--fail":
            kept.append(word)
    return kept
