"""Scrapes the pipeline's metrics as Prometheus does, through the API server's pod proxy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isnan
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from clients.cluster import Cluster

# Annotations of pods that have metrics.
SCRAPE, PORT, PATH = (f"prometheus.io/{name}" for name in ("scrape", "port", "path"))


@dataclass(frozen=True)
class Sample:
    """The value of a metric for one set of labels."""

    name: str
    # Includes the name of the pod as `pod`.
    labels: Mapping[str, str]
    value: float


class Metrics:
    """The samples of all pods from one scrape."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_name: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._by_name[sample.name].append(sample)

    @property
    def names(self) -> set[str]:
        """The names of all metrics; a counter's ends in _total."""
        return set(self._by_name)

    def of_source(self, label: str | None) -> "Metrics":
        """Return the samples with this label `source`; None: without the label."""
        return Metrics(
            sample
            for samples in self._by_name.values()
            for sample in samples
            if (sample.labels.get("source") or None) == label
        )

    def samples(self, name: str, **labels: str) -> list[Sample]:
        """Return the metric's samples with these labels."""
        return [
            sample
            for sample in self._by_name.get(name, [])
            if labels.items() <= sample.labels.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the metric's samples with these labels; 0 without samples."""
        return sum(sample.value for sample in self.samples(name, **labels))

    def totals(self, name: str, by: str, **labels: str) -> dict[str, float]:
        """Return the sums of the metric's samples, by the value of a label."""
        sums: dict[str, float] = defaultdict(float)
        for sample in self.samples(name, **labels):
            sums[sample.labels.get(by, "")] += sample.value
        return dict(sums)

    def least(self, name: str, **labels: str) -> float | None:
        """Return the smallest value that is a number; None without one."""
        numbers = (sample.value for sample in self.samples(name, **labels))
        return min((number for number in numbers if not isnan(number)), default=None)


def read_metrics(cluster: Cluster) -> Metrics:
    """Scrape every pod whose annotations say where its metrics are.

    Raises kubernetes.client.ApiException if a pod does not answer.
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
    """Parse the exposition format that a pod answers with."""
    return [
        Sample(sample.name, {**sample.labels, "pod": pod}, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def _address(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return a pod's name and the API server's path of its metrics; None if it has none."""
    about, annotations = pod["metadata"], pod["metadata"].get("annotations", {})
    if annotations.get(SCRAPE) != "true" or pod["status"]["phase"] != "Running":
        return None
    proxy = (
        f"/api/v1/namespaces/{about['namespace']}/pods/{about['name']}:{annotations[PORT]}/proxy"
    )
    return about["name"], f"{proxy}{annotations[PATH]}"
