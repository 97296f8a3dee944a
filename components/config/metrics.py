"""Metrics for Prometheus (`datapipe:metrics`)."""

from collections.abc import Mapping

from pydantic import Field

from components.settings import Settings


class ScraperSettings(Settings):
    """The pods that may read the metrics; a network policy lets in no others."""

    namespace: str = Field(
        default="monitoring",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="of Prometheus",
    )
    labels: Mapping[str, str] = Field(
        default={"app.kubernetes.io/name": "prometheus"},
        min_length=1,
        description="of Prometheus' pods",
    )


class MetricsSettings(Settings):
    """What the JVMs tell of themselves, and to whom."""

    enabled: bool = Field(
        default=True, description="run the JMX exporter in the brokers, the workers, the registry"
    )
    port: int = Field(default=9404, ge=1024, le=65535, description="of /metrics in each pod")
    scraper: ScraperSettings | None = Field(
        default=ScraperSettings(), description="null: only the nodes may read them, for make status"
    )
    operator: bool = Field(
        default=False,
        description="declare a PodMonitor, PrometheusRules and a Grafana dashboard; the cluster"
        " must have the Prometheus operator's CRDs",
    )
    operator_labels: Mapping[str, str] = Field(
        default={},
        description="by which Prometheus selects them, e.g. release: kube-prometheus-stack",
    )
