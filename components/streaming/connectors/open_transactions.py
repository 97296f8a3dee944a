"""Names the open transactions for which a source connector waits before it can start.

PostgreSQL creates a logical slot only when every transaction that had changed something has ended,
and Connect shows a task that waits for it as one that does not exist yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.streaming.connectors.slot import DatabasePod
from kafka_connect.explained_error import ExplainedError


def open_transactions(props: Mapping[str, Any]) -> str:
    """Return what a source connector waits for in the stack's own database; empty if nothing."""
    access, config = props["access"], props["config"]
    if "slot.name" not in config or "namespace" not in access:
        return ""
    from components.source.schema import open_transactions_script  # noqa: PLC0415

    try:
        printed = DatabasePod.from_inputs(access, config).run(open_transactions_script())
    except ExplainedError as error:
        return f"an unknown reason, as the database can't be asked: {error}"
    return " and ".join(line for line in (printed or "").splitlines() if line)
