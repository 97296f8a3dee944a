"""The server that a source connector captures, which an update asks: a property of the connector.

With it the connector recognizes another server behind the same host (ContinuousSnapshotter).
"""

from collections.abc import Mapping
from typing import Any

# A property of our own.
SERVER = "captured.server"


def with_server(config: Mapping[str, str], captured: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the configuration with the server of which the archive has the rows."""
    server = (captured or {}).get("server")
    return {**config, SERVER: server} if server else dict(config)


def without_server(config: Mapping[str, str], captured: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a connector's configuration as the program declares it; another server is drift."""
    expected = (captured or {}).get("server")
    return {key: value for key, value in config.items() if (key, value) != (SERVER, expected)}
