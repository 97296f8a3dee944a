"""Pauses of the JVMs for garbage collection, from the metrics that each pod serves.

A scrape takes some milliseconds of the JVM's time, so it is made every few seconds only.
"""

import re
from collections.abc import Iterable
from http.client import HTTPException
from urllib.request import urlopen

from bench.containers import Container

PORT = 9404
EVERY_SECONDS = 10.0
REQUEST_SECONDS = 3
# The concurrent collector does not pause the program, so its time is left out.
PAUSES = re.compile(
    r'^jvm_gc_collection_seconds_sum\{gc="(?!G1 Concurrent)[^"]*"[^}]*\} (\S+)$', re.MULTILINE
)


def paused_seconds(metrics: str) -> float | None:
    """Return the seconds of all pauses since the JVM's start; None without such a metric."""
    found = PAUSES.findall(metrics)
    return sum(map(float, found)) if found else None


class GcPauses:
    """The pauses of the JVMs among some containers."""

    def __init__(self, containers: Iterable[Container]) -> None:
        """Scrape the containers that serve metrics now."""
        self._addresses = {each.label: each.address for each in containers}
        self._addresses = {label: self._addresses[label] for label in self.paused()}

    def paused(self) -> dict[str, float]:
        """Return the seconds of pauses since its start for each JVM that answers."""
        answers = {label: _scrape(address) for label, address in self._addresses.items()}
        found = {label: paused_seconds(text) for label, text in answers.items() if text}
        return {label: seconds for label, seconds in found.items() if seconds is not None}


def _scrape(address: str) -> str | None:
    """Return the metrics; None if the pod has no exporter or is being restarted."""
    try:
        with urlopen(f"http://{address}:{PORT}/metrics", timeout=REQUEST_SECONDS) as answer:
            return str(answer.read().decode())
    except (OSError, HTTPException):
        return None
