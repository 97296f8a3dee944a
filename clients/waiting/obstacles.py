"""Finds in pods, claims and events why something does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

# Reasons of a waiting container that are part of every start.
STARTING = {"ContainerCreating", "PodInitializing"}
# Reasons of events that say why the object that they are about does not get on.
TELLING = {
    "Failed",
    "FailedAttachVolume",
    "FailedCreate",
    "FailedCreatePodSandBox",
    "FailedMount",
    "FailedScheduling",
    "ProvisioningFailed",
    "Unhealthy",
}


@dataclass(frozen=True)
class Obstacle:
    """Why an object does not get on."""

    of: str
    """kind and name, such as pod kafka-0"""
    cause: str
    """what stays the same from one look to the next"""
    reason: str


@dataclass(frozen=True)
class Snapshot:
    """The objects of a namespace as the API server lists them."""

    pods: list[Object]
    claims: list[Object]
    events: list[Object]


# Returns the last line that a pod's container has logged before it ended.
LastLine = Callable[[str, str], str]


def obstacles(snapshot: Snapshot, last_line: LastLine) -> list[Obstacle]:
    """Return what is in the way; nothing for objects that are starting without a complaint."""
    found = [
        *_of_claims(snapshot),
        *(one for pod in snapshot.pods for one in _of_pod(pod, snapshot, last_line)),
        *_of_controllers(snapshot),
    ]
    return list(dict.fromkeys(found))


def _of_claims(snapshot: Snapshot) -> Iterator[Obstacle]:
    for claim in snapshot.claims:
        if claim["status"].get("phase") == "Pending":
            name = claim["metadata"]["name"]
            if event := _complaint(snapshot.events, "PersistentVolumeClaim", claim):
                yield _complained(f"claim {name}", event)


def _of_controllers(snapshot: Snapshot) -> Iterator[Obstacle]:
    """Yield why no pod is created at all: a quota, an admission, a missing service account."""
    present = {owner["uid"] for pod in snapshot.pods for owner in _owners(pod)}
    for event in snapshot.events:
        about = event["involvedObject"]
        if event["reason"] == "FailedCreate" and about.get("uid") not in present:
            yield _complained(f"{about['kind']} {about['name']}", event)


def _owners(pod: Object) -> Iterable[Object]:
    owners: Iterable[Object] = pod["metadata"].get("ownerReferences", ())
    return owners


def _of_pod(pod: Object, snapshot: Snapshot, last_line: LastLine) -> Iterator[Obstacle]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if status.get("phase") in {"Succeeded", "Failed"} or "deletionTimestamp" in pod["metadata"]:
        return
    if unschedulable := _unschedulable(status):
        yield Obstacle(f"pod {name}", "unschedulable", f"can't be scheduled: {unschedulable}")
        return
    found = list(_of_containers(name, status, last_line))
    if found:
        yield from found
    elif not _is_ready(status) and (event := _complaint(snapshot.events, "Pod", pod)):
        yield _complained(f"pod {name}", event)


def _unschedulable(status: Object) -> str | None:
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message") or condition.get("reason") or "no reason given")
    return None


def _is_ready(status: Object) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )


def _of_containers(pod: str, status: Object, last_line: LastLine) -> Iterator[Obstacle]:
    kinds = (("init container", "initContainerStatuses"), ("container", "containerStatuses"))
    for kind, key in kinds:
        for container in status.get(key, ()):
            title = f"{kind} {container['name']}"
            waiting = container.get("state", {}).get("waiting", {})
            reason = waiting.get("reason")
            if not container.get("ready") and (code := _exit_code(container)):
                line = last_line(pod, container["name"])
                yield Obstacle(
                    f"pod {pod}",
                    f"{title} ends",
                    f"{title}: {reason or 'ended'}, exit code {code}; its last line: {line}",
                )
            elif reason is not None and reason not in STARTING:
                text = f": {waiting['message']}" if waiting.get("message") else ""
                yield Obstacle(f"pod {pod}", f"{title} waits", f"{title}: {reason}{text}")


def _exit_code(container: Object) -> int:
    """Return that of the container's last end; 0 where it has not failed.

    A container that is restarted runs for a while between its ends.
    """
    for state in (container.get("state", {}), container.get("lastState", {})):
        if "terminated" in state:
            return int(state["terminated"].get("exitCode", 0))
    return 0


def _complained(of: str, event: Object) -> Obstacle:
    return Obstacle(of, event["reason"], f"{event['reason']}: {event['message']}")


def _complaint(events: Iterable[Object], kind: str, about: Object) -> Object | None:
    """Return the newest warning about an object; None without any."""
    uid = about["metadata"]["uid"]
    warnings = [
        event
        for event in events
        if event["involvedObject"].get("uid") == uid
        and event["involvedObject"]["kind"] == kind
        and event.get("type") == "Warning"
        and event["reason"] in TELLING
    ]
    return max(warnings, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
