"""The objects of the Prometheus operator and Grafana, as one component."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from components.config.metrics import MetricsSettings
from components.manifests import Manifest, metadata
from components.streaming.metrics.exporter import PATH
from components.workloads import PART_OF

FILES = Path(__file__).parent / "files"
DASHBOARD = "datapipe.json"
OPERATOR_API = "monitoring.coreos.com/v1"
# The sidecar of Grafana's Helm chart finds dashboards by this label.
DASHBOARD_LABEL = {"grafana_dashboard": "1"}
CERTIFICATES_END = "kafka_certificates_end_timestamp_seconds"
SCRAPE_INTERVAL = "30s"


class Monitoring(pulumi.ComponentResource):
    """A PodMonitor, a PrometheusRule and a dashboard.

    The first two need the Prometheus operator's CRDs in the cluster (`metrics.operator`).
    """

    def __init__(
        self,
        name: str,
        settings: MetricsSettings,
        namespace: pulumi.Input[str],
        *,
        certificates_end: pulumi.Output[str] | None = None,
        limits: Mapping[str, int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("datapipe:monitoring:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        about = _labelled(metadata(PART_OF, namespace), settings.operator_labels)
        for kind, spec in {
            "PodMonitor": pod_monitor_spec(),
            "PrometheusRule": rules(settings.repository_url, certificates_end, limits or {}),
        }.items():
            kubernetes.apiextensions.CustomResource(
                f"{PART_OF}-{kind}",
                api_version=OPERATOR_API,
                kind=kind,
                metadata=about,
                spec=spec,
                opts=child,
            )
        kubernetes.core.v1.ConfigMap(
            f"{PART_OF}-dashboard",
            metadata=_labelled(metadata(f"{PART_OF}-dashboard", namespace), DASHBOARD_LABEL),
            data={DASHBOARD: (FILES / DASHBOARD).read_text()},
            opts=child,
        )
        self.register_outputs({})


def pod_monitor_spec() -> Manifest:
    """Return the spec of the PodMonitor: all pods with a port named metrics."""
    return {
        "selector": {"matchLabels": {"app.kubernetes.io/part-of": PART_OF}},
        "podMetricsEndpoints": [{"port": "metrics", "path": PATH, "interval": SCRAPE_INTERVAL}],
    }


def rules(
    repository_url: str | None,
    certificates_end: pulumi.Output[str] | None,
    limits: Mapping[str, int],
) -> Manifest:
    """Return the spec of the PrometheusRule, whose alerts link to the repository's runbook.

    No exporter knows when Kafka's certificates end (ISO 8601), nor the limits that follow from the
    stack's settings, by name; so they are rules.
    """
    spec: Manifest = yaml.safe_load((FILES / "rules.yml").read_text())
    alerts = [rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule]
    if repository_url is not None:
        for alert in alerts:
            annotations = alert["annotations"]
            annotations["runbook_url"] = f"{repository_url}/{annotations['runbook_url']}"
    if certificates_end is not None:
        seconds = certificates_end.apply(lambda end: int(datetime.fromisoformat(end).timestamp()))
        end = {"record": CERTIFICATES_END, "expr": pulumi.Output.format("vector({0})", seconds)}
        spec["groups"].append({"name": "certificates", "rules": [end]})
    if limits:
        records = [{"record": name, "expr": f"vector({value})"} for name, value in limits.items()]
        spec["groups"].append({"name": "limits", "rules": records})
    return spec


def _labelled(about: Manifest, labels: Mapping[str, str]) -> Manifest:
    return {**about, "labels": {**about["labels"], **labels}}
