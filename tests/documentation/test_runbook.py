"""Every alert has a section in the runbook, and its `runbook_url` leads there."""

import re
from pathlib import Path

import pytest

from documentation.alerts import alerts

ROOT = Path(__file__).parents[2]
RUNBOOK = "docs/OPERATIONS.md"


def alert_sections() -> list[str]:
    """Return the headings below "Alerts" in the runbook."""
    text = (ROOT / RUNBOOK).read_text()
    (section,) = re.findall(r"^## Alerts$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^### (.+)$", section, re.MULTILINE)


def test_each_alert_has_one_section_and_each_section_an_alert() -> None:
    assert sorted(alert_sections()) == sorted(rule["alert"] for rule in alerts())


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_the_alert_links_to_its_section(rule: dict[str, dict[str, str]]) -> None:
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOK}#{str(rule['alert']).lower()}"
