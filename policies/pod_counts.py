"""How many pods of a workload can run at the same time: its replicas and an update's surge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from policies.resource import Properties, Resource

# Kubernetes' default for a Deployment's maxSurge.
DEPLOYMENT_SURGE = "25%"


@dataclass(frozen=True)
class PodCount:
    """The most pods that a workload has at the same time."""

    replicas: int
    surge: int = 0
    """Extra pods during a rolling update."""

    @property
    def maximum(self) -> int:
        """Replicas and surge together."""
        return self.replicas + self.surge

    def __str__(self) -> str:
        return f"{self.replicas} + {self.surge} surge" if self.surge else str(self.replicas)


class UnboundedCountError(Exception):
    """A workload whose number of pods has no limit; the text says why and what limits it."""


def pod_count(workload: Resource, autoscalers: Sequence[Resource], nodes: int) -> PodCount:
    """Return the most pods that a workload has at the same time.

    `autoscalers` are the stack's HorizontalPodAutoscalers, one of which may scale this workload;
    `nodes` is the number of nodes, each of which runs a pod of a DaemonSet.

    Raises UnboundedCountError for a CronJob any number of whose runs may overlap.
    """
    spec: Properties = workload.properties.get("spec", {})
    match workload.kind:
        case "Deployment":
            replicas = _replicas(workload, spec, autoscalers)
            return PodCount(replicas, _surge(spec.get("strategy", {}), replicas, DEPLOYMENT_SURGE))
        case "StatefulSet" | "ReplicaSet" | "ReplicationController":
            return PodCount(_replicas(workload, spec, autoscalers))
        case "DaemonSet":
            return PodCount(nodes, _surge(spec.get("updateStrategy", {}), nodes, 0))
        case "Job":
            return PodCount(_parallelism(spec))
        case "CronJob":
            if spec.get("concurrencyPolicy", "Allow") == "Allow":
                raise UnboundedCountError(
                    "concurrencyPolicy is Allow, so runs may overlap without limit; set Forbid"
                )
            return PodCount(_parallelism(spec.get("jobTemplate", {}).get("spec", {})))
        case _:
            return PodCount(1)


def _replicas(workload: Resource, spec: Properties, autoscalers: Sequence[Resource]) -> int:
    replicas = int(spec.get("replicas", 1))
    maxima = [
        int(scaler.properties["spec"]["maxReplicas"])
        for scaler in autoscalers
        if _scales(scaler, workload)
    ]
    return max([replicas, *maxima])


def _scales(autoscaler: Resource, workload: Resource) -> bool:
    target = autoscaler.properties["spec"]["scaleTargetRef"]
    return bool(
        target["kind"] == workload.kind
        and target["name"] == workload.metadata.get("name", workload.name)
        and autoscaler.namespace == workload.namespace
    )


def _surge(strategy: Properties, replicas: int, default: str | int) -> int:
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return 0
    return _rounded_up(strategy.get("rollingUpdate", {}).get("maxSurge", default), replicas)


def _rounded_up(number_or_percentage: Any, replicas: int) -> int:
    text = str(number_or_percentage)
    if text.endswith("%"):
        return -(-replicas * int(text.removesuffix("%")) // 100)
    return int(text)


def _parallelism(job: Properties) -> int:
    """Return the pods of a Job that run at the same time: at most its completions."""
    parallelism = int(job.get("parallelism", 1))
    completions = job.get("completions")
    return parallelism if completions is None else min(parallelism, int(completions))
