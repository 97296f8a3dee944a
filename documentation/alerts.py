"""The table of alerts in docs/OPERATIONS.md, made from the rules."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "components/monitoring/files/rules.yml"


def alerts() -> list[Mapping[str, Any]]:
    """Return the alerting rules in their order."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def table() -> str:
    """Return a Markdown table of all alerts: name, severity, delay, summary."""
    rows = ["| alert | severity | fires after | summary |", "|---|---|---|---|"]
    for rule in alerts():
        name, severity = rule["alert"], rule["labels"]["severity"]
        delay = rule.get("for", "immediately")
        summary = _without_templates(rule["annotations"]["summary"])
        rows.append(f"| [`{name}`](#{name.lower()}) | {severity} | {delay} | {summary} |")
    return "\n".join(rows)


def _without_templates(summary: str) -> str:
    """Replace `{{ $labels.pod }}` by *pod* and `{{ $value }}` by *n*."""
    named = re.sub(r"{{ *\$labels\.(\w+) *}}", r"*\1*", summary)
    return re.sub(r"{{ *\$value[^}]*}}", "*n*", named)
