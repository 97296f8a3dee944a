"""The pipeline's metrics, read as Prometheus reads them, through the API server's pod proxy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isnan
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from clients.cluster import Cluster

SCRAPE, PORT, PATH = (f"prometheus.io/{name}" for name in ("scrape", "port", "path"))
"""Annotations of pods that have metrics."""


@dataclass(frozen=True)
class Sample:
    """A metric's value."""

    name: str
    labels: Mapping[str, str]
    """with the name of the pod as `pod`"""
    value: float


class Metrics:
    """What all pods said at one time."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_name: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._by_name[sample.name].append(sample)

    @property
    def names(self) -> set[str]:
        """The names of all metrics; a counter's ends in _total."""
        return set(self._by_name)

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """The metric's samples that have these labels."""
        return [
            sample
            for sample in self._by_name.get(name, [])
            if labels.items() <= sample.labels.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the metric's samples that have these labels; 0 where there is none."""
        return sum(sample.value for sample in self.samples(name, **labels))

    def totals(self, name: str, by: str, **labels: str) -> dict[str, float]:
        """The sums of the metric's samples by the value of a label."""
        sums: dict[str, float] = defaultdict(float)
        for sample in self.samples(name, **labels):
            sums[sample.labels.get(by, "")] += sample.value
        return dict(sums)

    def least(self, name: str, **labels: str) -> float | None:
        """The smallest number among the samples; None where there is none."""
        numbers = (sample.value for sample in self.samples(name, **labels))
        return min((number for number in numbers if not isnan(number)), default=None)


def read_metrics(cluster: Cluster) -> Metrics:
    """The metrics of every pod that says where it has them; none where no pod does.

    Raises kubernetes.client.ApiException where a pod does not answer.
    """
    pods = cluster.get(f"/api/v1/namespaces/{cluster.namespace}/pods")["items"]
    addresses = dict(address for pod in pods if (address := _address(pod)))
    with ThreadPoolExecutor() as together:
        texts = together.map(cluster.get_text, addresses.values())
        return Metrics(
            sample
            for pod, text in zip(addresses, texts, strict=True)
            for sample in parse_metrics(text, pod)
        )


def parse_metrics(text: str, pod: str) -> list[Sample]:
    """The samples in a pod's answer."""
    return [
        Sample(sample.name, {**sample.labels, "pod": pod}, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def _address(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    """A pod's name, and the path at the API server that leads to its metrics."""
    about, annotations = pod["metadata"], pod["metadata"].get("annotations", {})
    if annotations.get(SCRAPE) != "true" or pod["status"]["phase"] != "Running":
        return None
    proxy = (
        f"/api/v1/namespaces/{about['namespace']}/pods/{about['name']}:{annotations[PORT]}/proxy"
    )
    return about["name"], f"{proxy}{annotations[PATH]}"
