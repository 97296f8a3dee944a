"""Which metrics the rules and the dashboard ask for, read with a parser of PromQL."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

FILES = Path(__file__).parents[1] / "components" / "monitoring" / "files"
# Metrics of the kubelet and of kube-state-metrics, which not every cluster has.
OF_THE_CLUSTER = {"container_memory_rss", "kube_pod_container_resource_limits"}
# In stacks with Schema Registry; the last, which the stack records itself, in those with TLS.
OF_THE_REGISTRY = {
    "schema_registry_requests_total",
    "registry_unavailable_seconds",
    "registry_refused_schema",
    "kafka_certificates_end_timestamp_seconds",
}
# Limits of the archive's maintenance that a stack records by its settings.
OF_THE_SETTINGS = {
    "archive_maintenance_late_seconds",
    "archive_table_snapshots_limit",
    "archive_open_files_limit",
    "archive_target_file_bytes",
}


def metrics_of(expression: str) -> set[str]:
    """Return the names in an expression. Raises ValueError for invalid PromQL."""
    names: set[str] = set()

    def collect(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.VectorSelector) and part.name:
            names.add(part.name)

    promql_parser.walk(promql_parser.parse(expression), collect)
    return names


def rules() -> list[dict[str, Any]]:
    """Return every recording and alerting rule."""
    groups = yaml.safe_load((FILES / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_expressions() -> Iterator[str]:
    """Yield the expressions of the dashboard's panels, with an interval in place of Grafana's."""
    for panel in json.loads((FILES / "datapipe.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m")


def metrics_asked_for() -> set[str]:
    """Return the names in all rules and panels."""
    expressions = [*(rule["expr"] for rule in rules()), *dashboard_expressions()]
    return set().union(*map(metrics_of, expressions))
