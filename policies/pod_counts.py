"""How many pods of a workload can run at once: its replicas at most, and an update's surge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from policies.resource import Properties, Resource

DEPLOYMENT_SURGE = "25%"
"""Kubernetes' default for a Deployment's maxSurge"""


@dataclass(frozen=True)
class PodCount:
    """The most pods that a workload has at once."""

    replicas: int
    surge: int = 0
    """pods more while a rolling update lasts"""

    @property
    def at_once(self) -> int:
        """All of them."""
        return self.replicas + self.surge

    def __str__(self) -> str:
        return f"{self.replicas} + {self.surge} surge" if self.surge else str(self.replicas)


class UnboundedCountError(Exception):
    """The workload may pile up pods without end; the text says why and what bounds it."""


def pod_count(workload: Resource, autoscalers: Sequence[Resource], nodes: int) -> PodCount:
    """The most pods that a workload has at once.

    `autoscalers`: the stack's HorizontalPodAutoscalers, one of which may scale this workload up to
    its maximum; `nodes`: of the cluster, each of which runs a pod of a DaemonSet.

    Raises UnboundedCountError for a CronJob whose runs may overlap without end.
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
            return PodCount(_parallel(spec))
        case "CronJob":
            if spec.get("concurrencyPolicy", "Allow") == "Allow":
                raise UnboundedCountError(
                    "runs may overlap without end; set concurrencyPolicy to Forbid"
                )
            return PodCount(_parallel(spec.get("jobTemplate", {}).get("spec", {})))
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


def _parallel(job: Properties) -> int:
    """Pods of a Job at once: no more than it has to complete."""
    parallelism = int(job.get("parallelism", 1))
    completions = job.get("completions")
    return parallelism if completions is None else min(parallelism, int(completions))
