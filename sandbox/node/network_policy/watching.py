"""The objects that policies are about, kept up to date by watching the API server."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes import client, watch

from sandbox.node.network_policy.objects import Cluster, Manifest, read_cluster

_RETRY_SECONDS = 1.0
_WATCH_SECONDS = 300  # then everything is listed again, in case an event was lost
_ANSWER_SECONDS = 10

_LOG = logging.getLogger(__name__)

# Namespace and name.
Key = tuple[str, str]


@dataclass(frozen=True)
class _Kind:
    name: str
    list_all: Callable[..., Any]


class WatchedCluster:
    """A copy of the cluster's pods, namespaces and NetworkPolicies."""

    def __init__(self, api: client.ApiClient) -> None:
        """Use `api`, whose user may list and watch the three kinds."""
        core, networking = client.CoreV1Api(api), client.NetworkingV1Api(api)
        self._kinds = (
            _Kind("pods", core.list_pod_for_all_namespaces),
            _Kind("namespaces", core.list_namespace),
            _Kind("policies", networking.list_network_policy_for_all_namespaces),
        )
        self._objects: dict[str, dict[Key, Manifest]] = {}
        self._changed = threading.Condition()
        self._version = 0

    def start(self) -> None:
        """Start watching, each kind in a thread of its own."""
        for kind in self._kinds:
            threading.Thread(target=self._follow, args=[kind], name=kind.name, daemon=True).start()

    def wait_for_change(self, since: int, seconds: float | None) -> tuple[int, Cluster]:
        """Wait until something has changed `since` a version, or for so long; version and cluster.

        Nothing is returned before all three kinds have been listed.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._objects) == len(self._kinds))
            self._changed.wait_for(lambda: self._version > since, seconds)
            listed = [list(self._objects[kind.name].values()) for kind in self._kinds]
            return self._version, read_cluster(*listed)

    def _follow(self, kind: _Kind) -> None:
        while True:
            try:
                self._list_and_watch(kind)
            except (client.ApiException, urllib3.exceptions.HTTPError) as error:
                _LOG.warning("watching %s ended (%s), starting again", kind.name, _reason(error))
                time.sleep(_RETRY_SECONDS)

    def _list_and_watch(self, kind: _Kind) -> None:
        answer = kind.list_all(_preload_content=False, _request_timeout=_ANSWER_SECONDS)
        listing = json.loads(answer.data)
        with self._change():
            self._objects[kind.name] = {_key(item): item for item in listing["items"]}
        events = watch.Watch().stream(
            kind.list_all,
            resource_version=listing["metadata"]["resourceVersion"],
            timeout_seconds=_WATCH_SECONDS,
            _request_timeout=(_ANSWER_SECONDS, _WATCH_SECONDS + _ANSWER_SECONDS),
        )
        for event in events:
            changed: Manifest = event["raw_object"]
            with self._change():
                if event["type"] == "DELETED":
                    self._objects[kind.name].pop(_key(changed), None)
                else:
                    self._objects[kind.name][_key(changed)] = changed

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._changed:
            yield
            self._version += 1
            self._changed.notify_all()


def _key(manifest: Manifest) -> Key:
    return manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def _reason(error: Exception) -> str:
    return str(error.reason) if isinstance(error, client.ApiException) else type(error).__name__
