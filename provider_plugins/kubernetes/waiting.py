"""Waiting for an object to become ready, or to be gone, and saying what it waits for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final

from provider_plugins.engine import Engine
from provider_plugins.kubernetes.cluster import Cluster, Object
from provider_plugins.kubernetes.manifest import SKIP_AWAIT, TIMEOUT_SECONDS, annotation, object_id
from provider_plugins.kubernetes.pods import pods_of, report, troubles_of
from provider_plugins.kubernetes.readiness import READY, Readiness, failed, readiness
from provider_plugins.provider import ProviderError, Resource

DEFAULT_TIMEOUT: Final = 600.0
"""Seconds, as in the official plugin."""

DELETION_TIMEOUT: Final = 600.0
POLL_SECONDS: Final = 0.7

HOPELESS_SECONDS: Final = 10.0
"""How long a pod may stay without hope: one of the last revision is replaced within that time."""


@dataclass
class NotReadyError(Exception):
    """The object did not become ready; `live` is its last state, `reason` all that is known."""

    live: Object
    reason: str


@dataclass(frozen=True)
class Waiter:
    """Waits on one cluster; `cancelled` ends every wait."""

    cluster: Cluster
    engine: Engine
    cancelled: threading.Event

    def until_ready(self, resource: Resource, live: Object, timeout: float) -> Object:
        """The object once it is ready.

        `timeout` is in seconds; at 0 the object's annotation or the default counts.

        Raises:
            NotReadyError: it failed, the time is over, or the user cancelled.
        """
        if annotation(live, SKIP_AWAIT) == "true":
            return live
        limit = timeout or float(annotation(live, TIMEOUT_SECONDS) or DEFAULT_TIMEOUT)
        start = time.monotonic()
        deadline = start + limit
        said = ""
        while True:
            state, words, hopeless = self._look(live)
            if state.ready:
                return live
            if hopeless and time.monotonic() - start > HOPELESS_SECONDS:
                state = failed(state.reason)
            if words != said:
                self.engine.status(resource.urn, f"waiting: {words}")
                said = words
            end = "" if state.failed else self._end(deadline, f" after {limit:.0f} s")
            if end is not None:
                first = f"{live['kind']} {object_id(live)} is not ready{end}: {state.reason}"
                raise NotReadyError(live, "\n".join([first, *report(self.cluster, live)]))
            live = self._reload(live)

    def current(self, live: Object) -> Readiness:
        """Whether the object is ready now; always for one that is not to be waited for."""
        return READY if annotation(live, SKIP_AWAIT) == "true" else self._look(live)[0]

    def until_gone(self, resource: Resource, live: Object, timeout: float) -> None:
        """Return once the object does not exist any more.

        Raises:
            ProviderError: the time is over, or the user cancelled.
        """
        limit = timeout or DELETION_TIMEOUT
        deadline = time.monotonic() + limit
        metadata = live["metadata"]
        said = ""
        while True:
            found = self.cluster.get(live, metadata["name"], metadata.get("namespace"))
            if found is None or found["metadata"]["uid"] != metadata["uid"]:
                return
            words = _what_holds(found)
            if words != said:
                self.engine.status(resource.urn, f"waiting for the deletion: {words}")
                said = words
            end = self._end(deadline, f" after {limit:.0f} s")
            if end is not None:
                what = f"{live['kind']} {object_id(live)}"
                raise ProviderError(f"{what} is still being deleted{end}: {words}")

    def _look(self, live: Object) -> tuple[Readiness, str, bool]:
        """The object's readiness, that in words with what its pods say, and if one is hopeless."""
        state = readiness(live)
        if live["kind"] == "PersistentVolumeClaim" and not state.failed:
            state = READY if self._binds_at_first_use(live) else state
        if state.ready:
            return state, "", False
        troubles = [t for pod in pods_of(self.cluster, live) for t in troubles_of(pod)]
        words = "; ".join([state.reason, *map(str, troubles[:1])])
        return state, words, any(trouble.hopeless for trouble in troubles)

    def _binds_at_first_use(self, claim: Object) -> bool:
        """Whether the claim rightly waits for a pod that uses it."""
        name = claim["spec"].get("storageClassName")
        if not name:
            return False
        kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
        storage_class = self.cluster.get(kind, name, None) or {}
        return storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"

    def _reload(self, live: Object) -> Object:
        metadata = live["metadata"]
        found = self.cluster.get(live, metadata["name"], metadata.get("namespace"))
        if found is None:
            raise ProviderError(f"{live['kind']} {object_id(live)} was deleted while it was made")
        return found

    def _end(self, deadline: float, overdue: str) -> str | None:
        """Pause; then why to stop waiting, or None to go on."""
        if self.cancelled.wait(POLL_SECONDS):
            return " (cancelled)"
        return overdue if time.monotonic() > deadline else None


def _what_holds(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    remaining = [
        condition["message"]
        for condition in conditions
        if condition["status"] == "True" and condition["type"].startswith("Namespace")
    ]
    if remaining:
        return "; ".join(remaining)
    finalizers = obj["metadata"].get("finalizers") or []
    if finalizers == ["foregroundDeletion"]:
        return "what belongs to it goes first"
    return f"held by {', '.join(finalizers)}" if finalizers else "it is still stopping"
