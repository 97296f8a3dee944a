"""Pauses of the JVMs' garbage collectors, from the metrics that each pod serves.

A scrape costs its JVM some milliseconds, so it is made every few seconds only.
"""

import re
from collections.abc import Iterable
from http.client import HTTPException
from urllib.request import urlopen

from bench.containers import Container

PORT = 9404
EVERY_SECONDS = 10.0
REQUEST_SECONDS = 3
PAUSES = re.compile(
    r'^jvm_gc_collection_seconds_sum\{gc="(?!G1 Concurrent)[^"]*"[^}]*\} (\S+)$', re.MULTILINE
)
"""The concurrent collector's time is no pause."""


def paused_seconds(metrics: str) -> float | None:
    """Seconds of all pauses since the JVM's start; None where the metrics don't tell."""
    found = PAUSES.findall(metrics)
    return sum(map(float, found)) if found else None


class Collectors:
    """The JVMs among some containers."""

    def __init__(self, containers: Iterable[Container]) -> None:
        """Those that serve metrics now are asked from then on."""
        self._addresses = {each.label: each.address for each in containers}
        self._addresses = {label: self._addresses[label] for label in self.paused()}

    def paused(self) -> dict[str, float]:
        """Seconds of pauses since the start of each JVM that answers."""
        answers = {label: _scrape(address) for label, address in self._addresses.items()}
        found = {label: paused_seconds(text) for label, text in answers.items() if text}
        return {label: seconds for label, seconds in found.items() if seconds is not None}


def _scrape(address: str) -> str | None:
    """None where nothing answers: the pod has no agent, or is being restarted."""
    try:
        with urlopen(f"http://{address}:{PORT}/metrics", timeout=REQUEST_SECONDS) as answer:
            return str(answer.read().decode())
    except (OSError, HTTPException):
        return None
