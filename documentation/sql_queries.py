"""The measured queries in docs/SQL.md, made from the result of `make bench-sql`."""

import json
from itertools import groupby
from typing import Any

from documentation.measured import DOCS

RESULT = DOCS / "bench/sql.json"


def table() -> str:
    """Return a Markdown table of seconds and peak memory by query and size of the history."""
    measurements = json.loads(RESULT.read_text())["measurements"]
    queries = list(dict.fromkeys(each["query"] for each in measurements))
    rows = [
        f"| changes | files | {' | '.join(queries)} | peak memory |",
        f"|{'---|' * (len(queries) + 3)}",
    ]
    for (changes, compacted), group in groupby(measurements, _archive):
        found = list(group)
        files = f"{found[0]['files']:,}{', compacted' if compacted else ''}"
        seconds = " | ".join(f"{each['seconds']:.1f} ({each['cpu_seconds']:.1f})" for each in found)
        peak = max(each["peak_mebibytes"] for each in found)
        rows.append(f"| {changes:,} | {files} | {seconds} | {peak:,} MiB |")
    return "\n".join(rows)


def machine() -> str:
    """Return a sentence about what it was measured on."""
    machine = json.loads(RESULT.read_text())["machine"]
    return (
        f"Measured with files on a local disk, {machine['cores']} cores ({machine['processor']})"
        f" and a load average of {machine['load_before']:.1f} before: seconds, and in brackets CPU"
        " seconds, which other programs change less. Each key has ten changes."
    )


def _archive(measurement: dict[str, Any]) -> tuple[int, bool]:
    return measurement["changes"], measurement["compacted"]
