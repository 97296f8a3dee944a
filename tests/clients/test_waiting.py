"""`make up` says within a minute why a pod or claim does not get on, and repeats it at its end."""

from typing import Any

import pytest

from clients.waiting.obstacles import Object, Obstacle, Snapshot, obstacles
from clients.waiting.watch import LASTING_SECONDS, Watch
from tests.messages import Messages


def last_line(pod: str, container: str) -> str:
    return f"mkdir: read-only file system ({pod}/{container})"


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "uid": f"uid-of-{name}", **more}


def pod(name: str = "kafka-0", **status: Any) -> Object:
    return {"metadata": metadata(name), "status": {"phase": "Pending", **status}}


def claim(phase: str = "Pending") -> Object:
    return {"metadata": metadata("data-kafka-0"), "status": {"phase": phase}}


def event(kind: str, name: str, reason: str, message: str, at: str = "1", **more: Any) -> Object:
    return {
        "involvedObject": {"kind": kind, "name": name, "uid": f"uid-of-{name}"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        **more,
    }


def container(name: str = "kafka", **fields: Any) -> dict[str, Any]:
    return {"name": name, "ready": False, "state": {}, **fields}


NO_CLASS = 'storageclass.storage.k8s.io "local-path" not found'
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "message": "0/3 nodes are available: 3 Insufficient memory.",
}
PULL = {"reason": "ImagePullBackOff", "message": "Back-off pulling image cp-kafka:7.9.2"}
CRASHED: dict[str, Any] = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
ENDED: dict[str, Any] = {"lastState": {"terminated": {"exitCode": 1}}}


@pytest.mark.parametrize(
    ("snapshot", "of", "reason"),
    [
        (
            Snapshot(
                [],
                [claim()],
                [event("PersistentVolumeClaim", "data-kafka-0", "ProvisioningFailed", NO_CLASS)],
            ),
            "claim data-kafka-0",
            f"ProvisioningFailed: {NO_CLASS}",
        ),
        (
            Snapshot([pod(conditions=[UNSCHEDULABLE])], [], []),
            "pod kafka-0",
            "can't be scheduled: 0/3 nodes are available: 3 Insufficient memory.",
        ),
        (
            Snapshot([pod(containerStatuses=[container(state={"waiting": PULL})])], [], []),
            "pod kafka-0",
            "container kafka: ImagePullBackOff: Back-off pulling image cp-kafka:7.9.2",
        ),
        (
            Snapshot(
                [pod(initContainerStatuses=[container("format-storage", **CRASHED, **ENDED)])],
                [],
                [],
            ),
            "pod kafka-0",
            "init container format-storage: CrashLoopBackOff, exit code 1; its last line: mkdir:"
            " read-only file system (kafka-0/format-storage)",
        ),
        (
            Snapshot(
                [
                    pod(
                        containerStatuses=[
                            container(state={"waiting": {"reason": "ContainerCreating"}})
                        ]
                    )
                ],
                [],
                [event("Pod", "kafka-0", "FailedMount", "configmap kafka not found")],
            ),
            "pod kafka-0",
            "FailedMount: configmap kafka not found",
        ),
        (
            Snapshot(
                [pod(phase="Running", containerStatuses=[container(state={"running": {}})])],
                [],
                [
                    event(
                        "Pod", "kafka-0", "Unhealthy", "Readiness probe failed: connection refused"
                    )
                ],
            ),
            "pod kafka-0",
            "Unhealthy: Readiness probe failed: connection refused",
        ),
        (
            Snapshot(
                [], [], [event("StatefulSet", "kafka", "FailedCreate", "exceeded quota: pods")]
            ),
            "StatefulSet kafka",
            "FailedCreate: exceeded quota: pods",
        ),
    ],
    ids=["claim", "scheduling", "image", "crash", "mount", "probe", "quota"],
)
def test_what_is_in_the_way_is_named(snapshot: Snapshot, of: str, reason: str) -> None:
    (found,) = obstacles(snapshot, last_line)
    assert (found.of, found.reason) == (of, reason)


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot([pod(conditions=[{"type": "Ready", "status": "True"}])], [claim("Bound")], []),
        # A claim waits for its pod: the class binds it to the pod's node.
        Snapshot(
            [],
            [claim()],
            [
                event(
                    "PersistentVolumeClaim",
                    "data-kafka-0",
                    "WaitForFirstConsumer",
                    "waiting",
                    type="Normal",
                )
            ],
        ),
        Snapshot(
            [
                pod(
                    initContainerStatuses=[
                        container(state={"waiting": {"reason": "PodInitializing"}})
                    ]
                )
            ],
            [],
            [],
        ),
        Snapshot(
            [
                pod(
                    initContainerStatuses=[
                        container(ready=True, state={"terminated": {"exitCode": 0}})
                    ]
                )
            ],
            [],
            [],
        ),
        # Restarted after a failure long ago, and ready again.
        Snapshot([pod(containerStatuses=[container(**ENDED) | {"ready": True}])], [], []),
        # Of a pod of the same name that is gone.
        Snapshot(
            [{"metadata": metadata("kafka-0", uid="another"), "status": {"phase": "Running"}}],
            [],
            [event("Pod", "kafka-0", "FailedMount", "configmap kafka not found")],
        ),
        Snapshot(
            [
                {
                    **pod(conditions=[UNSCHEDULABLE]),
                    "metadata": metadata("kafka-0", deletionTimestamp="2"),
                }
            ],
            [],
            [],
        ),
    ],
    ids=["ready", "claim-waits", "starting", "initialized", "recovered", "namesake", "deleted"],
)
def test_what_is_only_starting_or_ready_is_not(snapshot: Snapshot) -> None:
    assert obstacles(snapshot, last_line) == []


def test_the_newest_complaint_counts() -> None:
    events = [
        event("Pod", "kafka-0", "FailedMount", "the second", at="2026-01-01T00:00:02Z"),
        event("Pod", "kafka-0", "FailedMount", "the first", at="2026-01-01T00:00:01Z"),
    ]
    assert obstacles(Snapshot([pod()], [], events), last_line) == [
        Obstacle("pod kafka-0", "FailedMount", "FailedMount: the second")
    ]


def crashing(running: bool = False) -> Snapshot:
    state = {"state": {"running": {}}} if running else CRASHED
    return Snapshot([pod(containerStatuses=[container(**state, **ENDED)])], [], [])


READY = Snapshot([pod(conditions=[{"type": "Ready", "status": "True"}])], [], [])


@pytest.fixture
def messages() -> Messages:
    return Messages()


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_obstacle_is_reported_once_when_it_has_lasted_and_again_at_the_end(
    messages: Messages,
) -> None:
    clock = Clock()
    watch = Watch(messages, clock)
    watch.look(crashing(), last_line)
    assert messages == []
    for clock.now in (LASTING_SECONDS, LASTING_SECONDS + 5, LASTING_SECONDS + 10):
        # Between two ends the container runs for a moment.
        watch.look(crashing(running=clock.now % 10 == 5), last_line)
    (message,) = messages
    assert message.startswith("waiting for pod kafka-0: container kafka: CrashLoopBackOff")
    watch.end()
    assert messages[-1].startswith("still in the way of pod kafka-0: container kafka:")


def test_an_obstacle_that_goes_by_itself_is_never_reported(messages: Messages) -> None:
    clock = Clock()
    watch = Watch(messages, clock)
    watch.look(crashing(), last_line)
    clock.now = LASTING_SECONDS
    watch.look(READY, last_line)
    watch.end()
    assert messages == []


def test_the_end_of_a_reported_one_is_reported(messages: Messages) -> None:
    clock = Clock()
    watch = Watch(messages, clock)
    watch.look(crashing(), last_line)
    clock.now = LASTING_SECONDS
    watch.look(crashing(), last_line)
    watch.look(READY, last_line)
    watch.end()
    assert messages[1:] == ["pod kafka-0 goes on"]


def test_a_cluster_that_does_not_answer_is_reported_once(messages: Messages) -> None:
    watch = Watch(messages)
    watch.unreachable("connection refused\nand more")
    watch.unreachable("connection refused")
    assert messages == ["can't see what pods wait for: connection refused"]
