"""Why an object's pods do not run, in words that a user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from provider_plugins.kubernetes.cluster import ApiServerError, Cluster, Object

LOG_LINES: Final = 10
EVENTS_SHOWN: Final = 5
HOPELESS: Final = frozenset({"ErrImageNeverPull", "InvalidImageName"})
"""Reasons to wait that no time heals."""

PLAIN_STATES: Final = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True)
class Trouble:
    """What keeps one container, or a pod as a whole (`container` empty), from being ready."""

    pod: str
    container: str
    reason: str
    log_of: str = ""
    """Whose log says more: ``previous`` run, ``current`` run, or none."""
    hopeless: bool = False

    def __str__(self) -> str:
        where = f"{self.pod}: container {self.container}" if self.container else self.pod
        return f"{where}: {self.reason}"


def troubles_of(pod: Object) -> list[Trouble]:
    """What a pod's status says against it; the worst first, empty if it is ready."""
    found = [*_scheduling(pod), *_containers(pod)]
    return sorted(found, key=lambda trouble: not trouble.log_of)


def _scheduling(pod: Object) -> Iterator[Trouble]:
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            words = f"{condition.get('reason')}: {condition.get('message')}"
            yield Trouble(pod["metadata"]["name"], "", words)


def _containers(pod: Object) -> Iterator[Trouble]:
    status = pod.get("status", {})
    for container in status.get("initContainerStatuses") or []:
        if not _finished(container) and not container.get("ready"):
            yield _trouble(pod, container)
    for container in status.get("containerStatuses") or []:
        if not container.get("ready") and not _finished(container):
            yield _trouble(pod, container)


def _finished(container: dict[str, Any]) -> bool:
    terminated = (container.get("state") or {}).get("terminated")
    return terminated is not None and terminated.get("exitCode") == 0


def _trouble(pod: Object, container: dict[str, Any]) -> Trouble:
    name = pod["metadata"]["name"]
    state = container.get("state") or {}
    waits, ended = state.get("waiting"), state.get("terminated")
    before = (container.get("lastState") or {}).get("terminated")
    if ended:
        return Trouble(name, container["name"], _exit(ended), log_of="current")
    if waits and before:
        words = f"{waits['reason']}, {_exit(before)}, {container.get('restartCount', 0)} restarts"
        return Trouble(name, container["name"], words, log_of="previous")
    if waits:
        reason = waits.get("reason", "waiting")
        detail = waits.get("message")
        words = f"{reason}: {detail}" if detail and reason not in PLAIN_STATES else reason
        return Trouble(name, container["name"], words, hopeless=reason in HOPELESS)
    if before:
        words = f"running but not ready; before, {_exit(before)}"
        return Trouble(name, container["name"], words, log_of="current")
    return Trouble(name, container["name"], "running but not ready", log_of="current")


def _exit(terminated: dict[str, Any]) -> str:
    reason = terminated.get("reason", "Error")
    detail = f": {terminated['message'].strip()}" if terminated.get("message") else ""
    return f"exit code {terminated.get('exitCode')} ({reason}){detail}"


def pods_of(cluster: Cluster, obj: Object) -> list[Object]:
    """The pods that an object stands for: itself, or those that its selector picks."""
    namespace = obj["metadata"].get("namespace")
    if obj["kind"] == "Pod":
        pod = cluster.get(obj, obj["metadata"]["name"], namespace)
        return [pod] if pod else []
    if obj["kind"] not in ("DaemonSet", "Deployment", "Job", "StatefulSet"):
        return []
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return cluster.list_objects("v1", "Pod", namespace, labelSelector=selector)


def report(cluster: Cluster, obj: Object) -> list[str]:
    """Everything that helps to see why an object is not ready: reasons, last log lines, events."""
    pods = pods_of(cluster, obj)
    lines = []
    for trouble in (trouble for pod in pods for trouble in troubles_of(pod)):
        lines.append(str(trouble))
        if trouble.log_of:
            lines += _log(cluster, obj["metadata"]["namespace"], trouble)
    told = "\n".join(lines)
    events = _warnings(cluster, [obj, *pods])
    return lines + stuck_pods(obj, pods) + [line for message, line in events if message not in told]


def stuck_pods(obj: Object, pods: list[Object]) -> list[str]:
    """What to do about pods that keep a StatefulSet from its new revision.

    Its controller never replaces a pod of an old revision that has not become ready.
    """
    revision = obj.get("status", {}).get("updateRevision")
    if obj["kind"] != "StatefulSet" or not revision:
        return []
    return [
        f"{pod['metadata']['name']} is of an older revision and never became ready, so that the "
        f"StatefulSet may not replace it: kubectl delete pod -n {pod['metadata']['namespace']} "
        f"{pod['metadata']['name']}"
        for pod in pods
        if troubles_of(pod)
        and (pod["metadata"].get("labels") or {}).get("controller-revision-hash") != revision
    ]


def _log(cluster: Cluster, namespace: str, trouble: Trouble) -> list[str]:
    previous = trouble.log_of == "previous"
    try:
        text = cluster.log_tail(
            trouble.pod, namespace, trouble.container, LOG_LINES, previous=previous
        )
    except ApiServerError as failure:
        return [f"  (its log cannot be read: {failure})"]
    return [f"  log: {line}" for line in text.splitlines()] or ["  (it wrote nothing)"]


def _warnings(cluster: Cluster, objects: list[Object]) -> list[tuple[str, str]]:
    """The warning events about the objects, as (message, line), the newest last, each once."""
    found: dict[tuple[str, str], str] = {}
    for obj in objects:
        namespace, uid = obj["metadata"].get("namespace"), obj["metadata"]["uid"]
        if not namespace:
            continue
        selector = f"involvedObject.uid={uid},type=Warning"
        for event in cluster.list_objects("v1", "Event", namespace, fieldSelector=selector):
            message = event.get("message") or ""
            line = f"event {obj['metadata']['name']}: {event.get('reason')}: {message}"
            when = event.get("lastTimestamp") or event.get("eventTime") or ""
            found[message, line] = max(found.get((message, line), ""), when)
    return sorted(found, key=lambda event: found[event])[-EVENTS_SHOWN:]
