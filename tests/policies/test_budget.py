"""The budgets count the pods that can run at the same time, and suggest the smallest change."""

from typing import Any

import pytest

from components.sizing import Sizing
from policies.pod_counts import pod_count
from policies.pod_resources import effective
from policies.pods import pod_template
from policies.quantities import MEBIBYTE
from policies.resource import Resource
from tests.policies.samples import (
    container,
    deployment,
    kubernetes,
    messages,
    pod_spec,
    sizes,
    stateful_set,
    workload,
)


def memory_of(pod: dict[str, Any]) -> int:
    """Return the MiB of a pod's limits."""
    template = pod_template(deployment("app", pod))
    assert template is not None
    return effective(template, "limits", "memory") // MEBIBYTE


def sized(name: str, memory: str, **more: Any) -> dict[str, Any]:
    return container(name, resources=sizes(memory), **more)


def dev_stack(**limits: str) -> list[Resource]:
    """Return the design's workloads with components.sizing's numbers; `limits` replace memory."""
    sizing = Sizing()

    def pod(resources: Any, name: str) -> dict[str, Any]:
        manifest = resources.manifest()
        if name in limits:
            manifest["limits"]["memory"] = limits[name]
        return pod_spec(container(name, resources=manifest))

    return [
        stateful_set("postgresql", pod(sizing.postgresql, "postgresql")),
        stateful_set("kafka", pod(sizing.broker, "kafka"), replicas=3),
        deployment("schema-registry", pod(sizing.registry, "registry")),
        deployment("kafka-connect", pod(sizing.connect, "connect")),
    ]


def test_the_designs_stack_fits_memory_and_cpu_exactly() -> None:
    assert messages("memory-budget", dev_stack()) == []
    assert messages("memory-budget", dev_stack(), {"limit": "4094Mi"}) == []
    assert messages("memory-budget", dev_stack(), {"limit": "4093Mi"})
    assert messages("cpu-budget", dev_stack(), {"limit": "4"}) == []
    assert messages("cpu-budget", dev_stack(), {"limit": "3999m"})


def test_the_message_is_a_table_with_the_smallest_change() -> None:
    [message] = messages("memory-budget", dev_stack(kafka="685Mi"))

    assert message.splitlines() == [
        "the pods' memory limits add up to 4103Mi; `limit` is 4096Mi, exceeded by 7Mi",
        "",
        "  workload                    replicas  request   limit   total   share",
        "  StatefulSet kafka                  3    512Mi   685Mi  2055Mi   50.2%",
        "  Deployment kafka-connect           1   1024Mi  1024Mi  1024Mi   25.0%",
        "  Deployment schema-registry         1    384Mi   512Mi   512Mi   12.5%",
        "  StatefulSet postgresql             1    512Mi   512Mi   512Mi   12.5%",
        "  sum                                                    4103Mi  100.2%",
        "  headroom                                                 -7Mi",
        "",
        "  smallest change that fits: lower the limit (and its request) of Deployment kafka-connect"
        " by 7Mi, to 1017Mi",
        "  or: lower the limit (and its request) of StatefulSet postgresql by 7Mi, to 505Mi",
        "  or: lower the limit of Deployment schema-registry by 7Mi, to 505Mi",
    ]


def test_a_surge_counts_and_the_message_shows_how_to_avoid_it() -> None:
    *others, connect = dev_stack()
    spec = {**connect.properties["spec"], "strategy": {"type": "RollingUpdate"}}
    surging = Resource(connect.type, connect.name, {**connect.properties, "spec": spec})

    [message] = messages("memory-budget", [*others, surging])

    assert "1 + 1 surge" in message
    assert "smallest change that fits: set maxSurge to 0 on Deployment kafka-connect" in message


@pytest.mark.parametrize(
    ("replicas", "strategy", "surge"),
    [
        (1, {}, 1),
        (4, {}, 1),
        (5, {}, 2),
        (4, {"rollingUpdate": {"maxSurge": "50%"}}, 2),
        (4, {"rollingUpdate": {"maxSurge": 3}}, 3),
        (4, {"rollingUpdate": {"maxSurge": 0}}, 0),
        (4, {"type": "Recreate"}, 0),
    ],
)
def test_surge_of_a_deployment(replicas: int, strategy: dict[str, Any], surge: int) -> None:
    updated = workload("Deployment", "app", replicas=replicas, strategy=strategy)

    assert pod_count(updated, [], nodes=2).surge == surge


def test_an_autoscaler_counts_at_its_maximum() -> None:
    spec = {"scaleTargetRef": {"kind": "StatefulSet", "name": "app"}, "maxReplicas": 7}
    autoscaler = kubernetes("autoscaling/v2", "HorizontalPodAutoscaler", "app", spec=spec)

    assert pod_count(stateful_set("app", replicas=2), [autoscaler], nodes=2).maximum == 7
    assert pod_count(stateful_set("other", replicas=2), [autoscaler], nodes=2).maximum == 2


def test_a_daemon_set_counts_once_per_node() -> None:
    assert pod_count(workload("DaemonSet", "agent"), [], nodes=3).maximum == 3


def job(kind: str, name: str, **spec: Any) -> Resource:
    return kubernetes("batch/v1", kind, name, spec=spec)


def test_jobs_count_their_parallel_pods() -> None:
    template = {"spec": pod_spec(sized("task", "1Gi"))}

    assert pod_count(job("Job", "j", template=template, parallelism=3), [], 1).maximum == 3
    few = job("Job", "j", template=template, parallelism=3, completions=2)
    assert pod_count(few, [], 1).maximum == 2
    repeated = job("CronJob", "c", jobTemplate={"spec": {"template": template}})
    assert any(
        "so runs may overlap without limit; set Forbid" in m
        for m in messages("memory-budget", [repeated])
    )


def test_init_containers_count_only_if_they_need_more() -> None:
    app = sized("app", "300Mi")

    assert memory_of(pod_spec(app, initContainers=[sized("init", "200Mi")])) == 300
    assert memory_of(pod_spec(app, initContainers=[sized("init", "400Mi")])) == 400


def test_sidecars_keep_running_while_later_init_containers_run() -> None:
    app, sidecar = sized("app", "300Mi"), sized("log", "100Mi", restartPolicy="Always")

    assert memory_of(pod_spec(app, initContainers=[sidecar])) == 400
    assert memory_of(pod_spec(app, initContainers=[sidecar, sized("init", "350Mi")])) == 450
    assert memory_of(pod_spec(app, initContainers=[sized("init", "350Mi"), sidecar])) == 400


def test_pod_level_resources_and_overhead() -> None:
    whole = {"limits": {"memory": "256Mi"}}

    assert memory_of(pod_spec(sized("app", "300Mi"), resources=whole)) == 256
    assert memory_of(pod_spec(sized("app", "300Mi"), overhead={"memory": "20Mi"})) == 320


def test_an_excepted_workload_is_not_counted_and_the_message_says_so() -> None:
    exception = {
        "resource": "kubernetes:apps/v1:StatefulSet::kafka",
        "reason": "measured elsewhere, ticket 12",
        "expires": "2026-12-31",
    }
    spared: dict[str, Any] = {"exceptions": [exception]}

    assert messages("memory-budget", dev_stack(kafka="685Mi"), spared) == []
    [message] = messages("memory-budget", dev_stack(), {**spared, "limit": "1Gi"})
    assert "not counted, because of an exception: StatefulSet kafka" in message
