"""A pod's limits and problems are read from its manifest and status."""

from decimal import Decimal
from typing import Any

from clients.cluster import MEBIBYTE, Resources, effective_limits, read_pod, total


def container(memory: str, cpu: str, **more: Any) -> dict[str, Any]:
    """Return a container with limits."""
    return {"name": "c", "resources": {"limits": {"memory": memory, "cpu": cpu}}, **more}


def status(**more: Any) -> dict[str, Any]:
    """Return the status of a running container."""
    return {"name": "c", "restartCount": 0, "state": {"running": {}}, **more}


def pod(spec: dict[str, Any], containers: list[dict[str, Any]], ready: bool = True) -> Any:
    """Return a pod as the API server describes it."""
    return {
        "metadata": {"name": "kafka-0"},
        "spec": spec,
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": containers,
        },
    }


SPEC = {"containers": [container("682Mi", "500m")]}


def test_containers_run_at_the_same_time() -> None:
    spec = {"containers": [container("1Gi", "1"), container("64Mi", "250m")]}
    assert effective_limits(spec) == Resources(1088 * MEBIBYTE, Decimal("1.25"))


def test_init_containers_run_one_by_one() -> None:
    spec = {
        "initContainers": [container("512Mi", "1"), container("256Mi", "2")],
        "containers": [container("300Mi", "500m")],
    }
    assert effective_limits(spec) == Resources(512 * MEBIBYTE, Decimal(2))


def test_sidecars_run_together_with_what_starts_after_them() -> None:
    sidecar = container("100Mi", "100m", restartPolicy="Always")
    spec = {
        "initContainers": [container("450Mi", "1"), sidecar, container("400Mi", "1")],
        "containers": [container("300Mi", "500m")],
    }
    assert effective_limits(spec) == Resources(500 * MEBIBYTE, Decimal("1.1"))


def test_a_container_without_a_limit_is_named() -> None:
    spec = {"containers": [{"name": "greedy", "resources": {"limits": {"memory": "1Gi"}}}]}
    assert read_pod(pod(spec, [status()]), Resources()).unlimited == ("greedy",)
    assert read_pod(pod(SPEC, [status()]), Resources()).unlimited == ()


def test_an_out_of_memory_kill_is_seen_after_the_restart() -> None:
    killed = status(restartCount=3, lastState={"terminated": {"reason": "OOMKilled"}})
    found = read_pod(pod(SPEC, [killed]), Resources())
    assert (found.restarts, found.out_of_memory_kills) == (3, 1)


def test_another_termination_is_not_an_out_of_memory_kill() -> None:
    failed = status(restartCount=1, lastState={"terminated": {"reason": "Error"}})
    assert read_pod(pod(SPEC, [failed]), Resources()).out_of_memory_kills == 0


def test_a_pod_that_is_not_ready_has_a_reason() -> None:
    waiting = status(state={"waiting": {"reason": "ErrImagePull", "message": "no such image"}})
    found = read_pod(pod(SPEC, [waiting], ready=False), Resources())
    assert not found.ready
    assert found.why_not_ready == "c: ErrImagePull no such image"


def test_the_designs_allocation_is_within_its_budget() -> None:
    # 512 + 3 × 682 + 512 + 1024 = 4094 Mi, 1 + 1.5 + 0.5 + 1 = 4 CPU.
    budget = Resources(4096 * MEBIBYTE, Decimal(4))
    design = [("512Mi", "1"), *[("682Mi", "500m")] * 3, ("512Mi", "500m"), ("1Gi", "1")]
    limits = total(effective_limits({"containers": [container(*each)]}) for each in design)
    assert limits == Resources(4094 * MEBIBYTE, Decimal(4))
    assert limits.within(budget)
    assert not (limits + Resources(memory=3 * MEBIBYTE)).within(budget)
    assert not (limits + Resources(cpu=Decimal("0.001"))).within(budget)
