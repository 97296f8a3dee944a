"""A recovery of a source that was begun: an update must not end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_connect.failures import ConnectError, ConnectorMissingError
from kafka_connect.snapshot import has_read_again, reads_again

if TYPE_CHECKING:
    from kafka_connect.client import ConnectClient


def require_no_recovery(client: ConnectClient, connector: str) -> None:
    """Refuse to update a source connector that reads its tables again (`recover`).

    With its usual configuration it would read what is left of them without a TRUNCATE, and rows
    that were deleted meanwhile would stay current. Raises ConnectError.
    """
    try:
        config = client.config(connector)
    except ConnectorMissingError:
        return
    if reads_again(config) and not has_read_again(config, client.offsets(connector)):
        raise ConnectError(
            f"{connector} reads its tables again, and an update would interrupt it. Wait until it"
            f" is finished, or run make recover SOURCE={config['topic.prefix']}, which waits"
        )
