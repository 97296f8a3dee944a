"""`python -m clients.waiting --context NAME`: say what an update waits for, while it runs.

Started by scripts/up.sh next to `pulumi up`; ends with it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import urllib3
from kubernetes import client, config

from clients.waiting.obstacles import Object, Snapshot
from clients.waiting.watch import Watch

POLL_SECONDS = 5
REQUEST_SECONDS = 10
# On every namespace that the program declares.
LABEL = "app.kubernetes.io/part-of=datapipe"
LINE_CHARACTERS = 300


def main() -> None:
    """Print obstacles to standard error until the process that started this one has ended."""
    context = _arguments().context
    parent = os.getppid()
    watches: dict[str, Watch] = {}
    try:
        while os.getppid() == parent:
            _look(context, watches)
            _sleep(parent)
    except KeyboardInterrupt:
        pass  # of the update, in the same terminal; it says so itself
    for watch in watches.values():
        watch.end()


def _report(message: str) -> None:
    print(f"up: {message}", file=sys.stderr, flush=True)


def _look(context: str | None, watches: dict[str, Watch]) -> None:
    """Look at the pipeline's namespaces: one for each stack in the cluster, usually one."""
    try:
        cluster = _Namespaces(context)
        for namespace in cluster.names():
            watches.setdefault(namespace, Watch(_report)).look(
                cluster.snapshot(namespace), cluster.last_line_in(namespace)
            )
    except (config.ConfigException, client.ApiException, urllib3.exceptions.HTTPError) as error:
        watches.setdefault("", Watch(_report)).unreachable(str(error))


def _sleep(parent: int) -> None:
    """Wait for the next look, but not longer than the update runs."""
    deadline = time.monotonic() + POLL_SECONDS
    while time.monotonic() < deadline and os.getppid() == parent:
        time.sleep(0.5)


class _Namespaces:
    """The pipeline's namespaces; before the first update the list is empty."""

    def __init__(self, context: str | None) -> None:
        self._api = config.new_client_from_config(context=context)
        self._core = client.CoreV1Api(self._api)

    def names(self) -> list[str]:
        found = self._core.list_namespace(label_selector=LABEL, _request_timeout=REQUEST_SECONDS)
        return [str(each.metadata.name) for each in found.items if each.metadata]

    def snapshot(self, namespace: str) -> Snapshot:
        return Snapshot(
            pods=self._list("pods", namespace),
            claims=self._list("persistentvolumeclaims", namespace),
            events=self._list("events", namespace),
        )

    def last_line_in(self, namespace: str) -> _LastLine:
        return _LastLine(self._core, namespace)

    def _list(self, kind: str, namespace: str) -> list[Object]:
        request = self._api.param_serialize(
            "GET",
            f"/api/v1/namespaces/{namespace}/{kind}",
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        response = self._api.call_api(*request, _request_timeout=REQUEST_SECONDS)
        response.read()
        items: list[Object] = self._api.response_deserialize(response, {"2XX": "object"}).data[
            "items"
        ]
        return items


class _LastLine:
    """The last line of a container that has ended."""

    def __init__(self, core: client.CoreV1Api, namespace: str) -> None:
        self._core, self._namespace = core, namespace

    def __call__(self, pod: str, container: str) -> str:
        try:
            text = self._core.read_namespaced_pod_log(
                pod,
                self._namespace,
                container=container,
                previous=True,
                tail_lines=1,
                _request_timeout=REQUEST_SECONDS,
            )
        except client.ApiException as error:
            return f"(no log: {error.reason})"
        return str(text).strip()[:LINE_CHARACTERS]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clients.waiting", description=__doc__)
    parser.add_argument("--context", help="of the kubeconfig; the default is the current one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
