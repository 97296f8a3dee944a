"""Lines that a dynamic resource shows in the output of pulumi.

Pulumi wires no logging into the process of dynamic resources. It starts that process with the
engine's address as the first argument, so we talk to the engine's log ourselves; without an engine
(in tests) lines go to stderr.
"""

import re
import sys
from functools import cache

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

ENGINE_ADDRESS = re.compile(r"[\w.-]+:\d+")


def info(message: str) -> None:
    """Show a line."""
    _show(message, engine_pb2.INFO)


def warn(message: str) -> None:
    """Show a warning."""
    _show(message, engine_pb2.WARNING)


def _show(message: str, severity: "engine_pb2.LogSeverity.ValueType") -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else ""
    if not ENGINE_ADDRESS.fullmatch(address):
        print(message, file=sys.stderr, flush=True)
        return
    try:
        _engine(address).Log(engine_pb2.LogRequest(severity=severity, message=message), timeout=5)
    except grpc.RpcError:
        print(message, file=sys.stderr, flush=True)


@cache
def _engine(address: str) -> engine_pb2_grpc.EngineStub:
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
