"""Whether an object does what it is for yet, judged from its status alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from provider_plugins.kubernetes.cluster import Object


@dataclass(frozen=True)
class Readiness:
    """`reason` says what is missing. A failure is final: waiting longer would not help."""

    ready: bool
    reason: str = ""
    failed: bool = False


READY: Final = Readiness(ready=True)


def waiting(reason: str) -> Readiness:
    """Not ready yet."""
    return Readiness(ready=False, reason=reason)


def failed(reason: str) -> Readiness:
    """Never going to be ready."""
    return Readiness(ready=False, reason=reason, failed=True)


def readiness(obj: Object) -> Readiness:
    """Whether an object is ready; kinds without a notion of it always are."""
    judge = JUDGES.get(obj["kind"])
    return judge(obj) if judge else READY


def _deployment(obj: Object) -> Readiness:
    if _unobserved(obj):
        return waiting("the controller has not seen the change yet")
    stuck = _condition(obj, "Progressing", "False") or _condition(obj, "ReplicaFailure", "True")
    if stuck and stuck.get("reason") == "ProgressDeadlineExceeded":
        return failed(stuck["message"])
    status, wanted = obj["status"], obj["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated == available == status.get("replicas", 0) == wanted:
        return READY
    reason = _replicas(available, wanted, updated)
    return waiting(f"{reason}; {stuck['message']}" if stuck else reason)


def _stateful_set(obj: Object) -> Readiness:
    if _unobserved(obj):
        return waiting("the controller has not seen the change yet")
    status, wanted = obj["status"], obj["spec"].get("replicas", 1)
    updated, ready = status.get("updatedReplicas", 0), status.get("readyReplicas", 0)
    settled = status.get("currentRevision") == status.get("updateRevision")
    on_delete = (obj["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if ready == status.get("replicas", 0) == wanted and (settled or on_delete or updated == wanted):
        return READY
    return waiting(_replicas(ready, wanted, wanted if settled else updated))


def _daemon_set(obj: Object) -> Readiness:
    if _unobserved(obj):
        return waiting("the controller has not seen the change yet")
    status = obj["status"]
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated == available == wanted:
        return READY
    return waiting(_replicas(available, wanted, updated))


def _pod(obj: Object) -> Readiness:
    status = obj.get("status") or {}
    phase = status.get("phase", "Pending")
    if phase == "Succeeded" or _condition(obj, "Ready", "True"):
        return READY
    if phase == "Failed":
        return failed(status.get("message") or "the pod failed")
    return waiting(f"the pod is {phase.lower()}")


def _job(obj: Object) -> Readiness:
    if _condition(obj, "Complete", "True"):
        return READY
    failure = _condition(obj, "Failed", "True")
    if failure:
        return failed(failure.get("message") or "the job failed")
    if obj["spec"].get("suspend"):
        return READY
    status = obj.get("status") or {}
    done, wanted = status.get("succeeded", 0), obj["spec"].get("completions", 1)
    attempts = f", {status['failed']} failed" if status.get("failed") else ""
    return waiting(f"{done} of {wanted} completions{attempts}")


def _claim(obj: Object) -> Readiness:
    phase = (obj.get("status") or {}).get("phase", "Pending")
    if phase == "Lost":
        return failed("the claim's volume is lost")
    return READY if phase == "Bound" else waiting("no volume is bound to the claim yet")


def _service(obj: Object) -> Readiness:
    if obj["spec"].get("type") != "LoadBalancer":
        return READY
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    return READY if balancer.get("ingress") else waiting("the load balancer has no address yet")


def _namespace(obj: Object) -> Readiness:
    phase = (obj.get("status") or {}).get("phase", "Active")
    if phase == "Terminating":
        return waiting("a namespace of this name is still being deleted")
    return READY


def _custom_resource_definition(obj: Object) -> Readiness:
    if _condition(obj, "Established", "True"):
        return READY
    return waiting("the API server does not serve the new kind yet")


JUDGES: Final[dict[str, Callable[[Object], Readiness]]] = {
    "CustomResourceDefinition": _custom_resource_definition,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "Service": _service,
    "StatefulSet": _stateful_set,
}


def _unobserved(obj: Object) -> bool:
    observed: int = (obj.get("status") or {}).get("observedGeneration", 0)
    return observed < int(obj["metadata"].get("generation", 1))


def _condition(obj: Object, kind: str, status: str) -> dict[str, Any] | None:
    conditions = (obj.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == kind and c["status"] == status), None)


def _replicas(ready: int, wanted: int, updated: int) -> str:
    behind = f", {updated} of them up to date" if updated < wanted else ""
    return f"{ready} of {wanted} replicas ready{behind}"
