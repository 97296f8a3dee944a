"""Messages to the user through the engine: lines that stay, and status lines that pass."""

from __future__ import annotations

import threading

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """The engine's log. Until `connect` is called, messages go nowhere (as in unit tests)."""

    def __init__(self) -> None:
        self._stub: engine_pb2_grpc.EngineStub | None = None
        self._lock = threading.Lock()

    def connect(self, address: str) -> None:
        """Send messages to the engine at `address` from now on."""
        with self._lock:
            if self._stub is None:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def status(self, urn: str, message: str) -> None:
        """Show what is being done with a resource, next to its name, until it is finished."""
        self._log(urn, message, engine_pb2.INFO, ephemeral=True)

    def info(self, urn: str, message: str) -> None:
        """Print a line that stays in the output."""
        self._log(urn, message, engine_pb2.INFO)

    def warning(self, urn: str, message: str) -> None:
        """Print a warning that stays in the output."""
        self._log(urn, message, engine_pb2.WARNING)

    def _log(
        self,
        urn: str,
        message: str,
        severity: engine_pb2.LogSeverity.ValueType,
        *,
        ephemeral: bool = False,
    ) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(
            urn=urn, message=message, severity=severity, ephemeral=ephemeral
        )
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError as error:
            # An engine that is shutting down takes no more messages; the operation goes on.
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise
