"""Metrics for Prometheus (`datapipe:metrics`)."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from components.config.kubernetes_names import LabelKey, LabelValue, NamespaceName
from components.settings import Pattern, Settings

PageUrl = Annotated[
    str,
    AfterValidator(
        Pattern(
            r"https?://[^\s/@]+(/[^\s/]+)*",
            name="URL of a page",
            allowed="http or https, without a slash at the end, e.g."
            " https://git.example/team/datapipe/blob/main",
        )
    ),
]


class ScraperSettings(Settings):
    """The pods that may read the metrics; a network policy admits no others."""

    namespace: NamespaceName = Field(
        default="monitoring", description="Namespace of Prometheus' pods."
    )
    labels: Mapping[LabelKey, LabelValue] = Field(
        default={"app.kubernetes.io/name": "prometheus"},
        min_length=1,
        description="Labels of Prometheus' pods; a pod must have all of them.",
    )


class MetricsSettings(Settings):
    """Which metrics the JVMs expose, and who may read them."""

    enabled: bool = Field(
        default=True,
        description="Whether the JMX exporter runs in the brokers, the Connect workers and Schema"
        ' Registry (design: "Observability Metrics").',
    )
    port: int = Field(default=9404, ge=1024, le=65535, description="Port of /metrics in each pod.")
    scraper: ScraperSettings | None = Field(
        default=ScraperSettings(),
        description="Pods that may read the metrics; with null only the nodes may, for"
        " `make status`.",
    )
    operator: bool = Field(
        default=False,
        description="Whether to declare a PodMonitor, a PrometheusRule and a Grafana dashboard;"
        " the cluster must have the Prometheus operator's CRDs.",
    )
    operator_labels: Mapping[LabelKey, LabelValue] = Field(
        default={},
        description="Labels by which Prometheus selects the PodMonitor and the PrometheusRule, e.g."
        " release: kube-prometheus-stack.",
    )
    repository_url: PageUrl | None = Field(
        default=None,
        description="URL under which your team reads this repository's files; alerts link to their"
        " runbook there. Without it `runbook_url` is a path in the repository.",
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.operator and not self.enabled:
            yield "operator", "needs the metrics; set metrics.enabled to true, or remove the key"
