"""Readiness and the reasons against it, on statuses as a cluster writes them."""

from typing import Any

import pytest

from provider_plugins.kubernetes.pods import stuck_pods, troubles_of
from provider_plugins.kubernetes.readiness import readiness

SEEN = {"observedGeneration": 2}


def obj(kind: str, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "it", "namespace": "n", "generation": 2}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status}


def condition(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


@pytest.mark.parametrize(
    "ready",
    [
        obj(
            "Deployment",
            {**SEEN, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            replicas=2,
        ),
        obj("Deployment", SEEN, replicas=0),
        obj(
            "StatefulSet",
            {
                **SEEN,
                "replicas": 3,
                "readyReplicas": 3,
                "updatedReplicas": 3,
                "currentRevision": "a",
                "updateRevision": "b",
            },
            replicas=3,
        ),
        obj(
            "DaemonSet",
            {
                **SEEN,
                "desiredNumberScheduled": 1,
                "updatedNumberScheduled": 1,
                "numberAvailable": 1,
            },
        ),
        obj("Pod", {"phase": "Running", **condition("Ready")}),
        obj("Pod", {"phase": "Succeeded"}),
        obj("Job", condition("Complete")),
        obj("Job", {}, suspend=True),
        obj("PersistentVolumeClaim", {"phase": "Bound"}),
        obj("Service", {}, type="NodePort"),
        obj("Service", {}, clusterIP="None"),
        obj("Service", {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}, type="LoadBalancer"),
        obj("Namespace", {"phase": "Active"}),
        obj("CustomResourceDefinition", condition("Established")),
        obj("ConfigMap", {}),
    ],
    ids=lambda ready: str(ready["kind"]),
)
def test_ready(ready: dict[str, Any]) -> None:
    assert readiness(ready).ready


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        (obj("Deployment", {"observedGeneration": 1}, replicas=1), "has not seen the change"),
        (
            obj(
                "Deployment",
                {**SEEN, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1},
                replicas=2,
            ),
            "1 of 2 replicas ready, 1 of them up to date",
        ),
        (
            obj(
                "Deployment",
                {**SEEN, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
                replicas=2,
            ),
            "2 of 2 replicas ready",  # an old pod still runs
        ),
        (
            obj(
                "Deployment",
                {**SEEN, **condition("ReplicaFailure", message="violates PodSecurity")},
                replicas=1,
            ),
            "0 of 1 replicas ready, 0 of them up to date; violates PodSecurity",
        ),
        (
            obj(
                "StatefulSet",
                {
                    **SEEN,
                    "replicas": 3,
                    "readyReplicas": 2,
                    "updatedReplicas": 3,
                    "currentRevision": "a",
                    "updateRevision": "a",
                },
                replicas=3,
            ),
            "2 of 3 replicas ready",
        ),
        (
            obj(
                "StatefulSet",
                {
                    **SEEN,
                    "replicas": 3,
                    "readyReplicas": 3,
                    "updatedReplicas": 1,
                    "currentRevision": "a",
                    "updateRevision": "b",
                },
                replicas=3,
            ),
            "3 of 3 replicas ready, 1 of them up to date",
        ),
        (obj("Pod", {"phase": "Pending"}), "the pod is pending"),
        (obj("Job", {"succeeded": 1, "failed": 2}, completions=3), "1 of 3 completions, 2 failed"),
        (obj("PersistentVolumeClaim", {"phase": "Pending"}), "no volume is bound"),
        (obj("Service", {"loadBalancer": {}}, type="LoadBalancer"), "no address"),
        (obj("Namespace", {"phase": "Terminating"}), "still being deleted"),
    ],
)
def test_waiting_says_for_what(waiting: dict[str, Any], reason: str) -> None:
    state = readiness(waiting)
    assert not state.ready
    assert not state.failed
    assert reason in state.reason


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (
            obj(
                "Deployment",
                {
                    **SEEN,
                    **condition(
                        "Progressing",
                        "False",
                        reason="ProgressDeadlineExceeded",
                        message="took too long",
                    ),
                },
                replicas=1,
            ),
            "took too long",
        ),
        (obj("Pod", {"phase": "Failed", "message": "evicted"}), "evicted"),
        (obj("Job", condition("Failed", message="backoff limit")), "backoff limit"),
        (obj("PersistentVolumeClaim", {"phase": "Lost"}), "lost"),
    ],
)
def test_what_no_time_heals_has_failed(broken: dict[str, Any], reason: str) -> None:
    state = readiness(broken)
    assert state.failed
    assert reason in state.reason


def pod(*containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "kafka-1"}, "status": {"containerStatuses": containers, **status}}


def container(name: str = "kafka", *, ready: bool = False, **states: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": 3, **states}


ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}


@pytest.mark.parametrize(
    ("status", "words", "log_of"),
    [
        (container(state={"running": {}}), "running but not ready", "current"),
        (
            container(
                state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
                lastState=ENDED,
            ),
            "CrashLoopBackOff, exit code 1 (Error), 3 restarts",
            "previous",
        ),
        (
            container(
                state={"running": {}},
                lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            ),
            "running but not ready; before, exit code 137 (OOMKilled)",
            "current",
        ),
        (
            container(
                state={
                    "waiting": {
                        "reason": "CreateContainerConfigError",
                        "message": 'secret "x" not found',
                    }
                }
            ),
            'CreateContainerConfigError: secret "x" not found',
            "",
        ),
        (container(state=ENDED), "exit code 1 (Error)", "current"),
    ],
)
def test_a_container_that_is_not_ready_says_why(
    status: dict[str, Any], words: str, log_of: str
) -> None:
    [trouble] = troubles_of(pod(status))
    assert str(trouble) == f"kafka-1: container kafka: {words}"
    assert trouble.log_of == log_of


def test_a_ready_pod_has_no_trouble() -> None:
    done = container("init", state={"terminated": {"exitCode": 0}})
    assert troubles_of(pod(container(ready=True), initContainerStatuses=[done])) == []


def test_a_failing_init_container_is_found_before_the_ones_that_wait_for_it() -> None:
    waiting = container(state={"waiting": {"reason": "PodInitializing"}})
    first, second = troubles_of(
        pod(waiting, initContainerStatuses=[container("format", state=ENDED)])
    )
    assert first.container == "format"
    assert second.reason == "PodInitializing"


def test_a_pod_that_cannot_be_scheduled_says_why() -> None:
    unscheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes: Insufficient memory",
    }
    [trouble] = troubles_of(pod(conditions=[unscheduled]))
    assert str(trouble) == "kafka-1: Unschedulable: 0/1 nodes: Insufficient memory"


def test_an_image_that_is_not_there_is_hopeless() -> None:
    status = container(state={"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}})
    [trouble] = troubles_of(pod(status))
    assert trouble.hopeless


def test_a_pod_that_blocks_a_new_revision_is_to_be_deleted_by_hand() -> None:
    broken = pod(container(state=ENDED))
    broken["metadata"] |= {"namespace": "n", "labels": {"controller-revision-hash": "old"}}
    stateful_set = obj("StatefulSet", {"updateRevision": "new"})
    [advice] = stuck_pods(stateful_set, [broken])
    assert "kubectl delete pod -n n kafka-1" in advice
    assert stuck_pods(obj("StatefulSet", {"updateRevision": "old"}), [broken]) == []
    assert stuck_pods(obj("Deployment", {}), [broken]) == []
