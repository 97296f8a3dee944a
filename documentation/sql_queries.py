"""The measured queries in docs/SQL.md, made from the result of `make bench-sql`."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

from documentation.measured import DOCS

RESULT, RESULT_OF_S3 = DOCS / "bench/sql.json", DOCS / "bench/sql-s3.json"


def table(result: Path = RESULT) -> str:
    """Return a Markdown table of seconds and peak memory by query and size of the history."""
    measurements = json.loads(result.read_text())["measurements"]
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


def machine(result: Path = RESULT) -> str:
    """Return a sentence about what it was measured on."""
    document = json.loads(result.read_text())
    machine = document["machine"]
    place = "in moto on the same machine" if document.get("s3") else "on a local disk"
    return (
        f"Measured with files {place}, {machine['cores']} cores ({machine['processor']})"
        f" and a load average of {machine['load_before']:.1f} before: seconds, and in brackets CPU"
        " seconds, which other programs change less. Each key has ten changes."
    )


def _archive(measurement: dict[str, Any]) -> tuple[int, bool]:
    return measurement["changes"], measurement["compacted"]
