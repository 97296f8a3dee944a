"""What a connector waits for that does not get its state."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from components.streaming.connectors.open_transactions import open_transactions
from kafka_connect.status import Status
from kafka_connect.worker_log import reconfiguration_failure


def waiting_reasons(props: Mapping[str, Any], since: float, status: Status | None) -> str:
    """Return what a connector waits for since a time (time.monotonic()); empty if nothing is known.

    A source's task that starts can wait for transactions of its database; tasks that do not have
    the connector's configuration wait for Kafka Connect.
    """
    if status is not None and status.earlier:
        return _logged(props, since)
    starts = open_transactions(props)
    if starts or status is None or status.connector != "RUNNING" or status.tasks:
        return starts
    return _logged(props, since)


def _logged(props: Mapping[str, Any], since: float) -> str:
    return reconfiguration_failure(props["access"], props["name"], time.monotonic() - since)
