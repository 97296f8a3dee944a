"""How long the Iceberg sink takes to commit all tables (docs/TUNING.md, "Many tables")."""

from math import ceil

from components.streaming.sinks.file_count import Remark

# Measured with AWS's latencies, one task and eight commits at the same time.
MEASURED_TABLES, MEASURED_SECONDS = 150, 47
# Intervals are proposed in this step.
STEP_MS = 10_000


def commit_time_remark(tables: int, interval_ms: int) -> Remark | None:
    """Return that a commit takes longer than its interval; None if it does not."""
    needed_ms = tables * MEASURED_SECONDS * 1000 / MEASURED_TABLES
    if needed_ms <= interval_ms:
        return None
    return Remark(
        "warning",
        f"a commit of {tables} tables takes about {needed_ms / 1000:.0f} s if all of them have new"
        f" rows ({MEASURED_SECONDS} s were measured for {MEASURED_TABLES} tables with AWS's"
        f" latencies), which is longer than archive.rotateIntervalMs {interval_ms}: rows are"
        " readable later than that, and none is lost. Set archive.rotateIntervalMs to at least"
        f" {ceil(needed_ms / STEP_MS) * STEP_MS}",
    )
