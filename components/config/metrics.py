"""Metrics for Prometheus (`datapipe:metrics`)."""

from collections.abc import Mapping

from pydantic import Field

from components.config.security import NamespaceName
from components.settings import Settings


class ScraperSettings(Settings):
    """The pods that may read the metrics; a network policy admits no others."""

    namespace: NamespaceName = Field(
        default="monitoring", description="Namespace of Prometheus' pods."
    )
    labels: Mapping[str, str] = Field(
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
    operator_labels: Mapping[str, str] = Field(
        default={},
        description="Labels by which Prometheus selects the PodMonitor and the PrometheusRule, e.g."
        " release: kube-prometheus-stack.",
    )
