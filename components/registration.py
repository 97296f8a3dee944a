"""Registers resources without what Pulumi's package adds to each and nobody reads.

With 1,000 tables that is a quarter of a preview's CPU and of the state that each step of `up`
writes (docs/BENCHMARK.md, "Preview and up by tables").
"""

import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

# How the debug messages begin that Pulumi sends for each resource. The program waits for each, and
# the engine shows them with --debug only; with PULUMI_DEBUG_GRPC it writes the registrations down.
FOR_EACH_RESOURCE = ("registering resource", "resource registration ", "beginning rpc register")


def register_without_extras() -> None:
    """Let the engine get each resource without debug messages and without its stack trace.

    A stack trace is half of what the state has of a topic, and the engine writes the whole state
    twice for each resource that it creates. The line that declares the resource stays.
    """
    send = pulumi.log.debug

    def send_others(msg: str, *arguments: Any, **named: Any) -> None:
        if not msg.startswith(FOR_EACH_RESOURCE):
            send(msg, *arguments, **named)

    pulumi.log.debug = send_others
    resource._get_stack_trace = source_pb2.StackTrace
    resource._get_source_position = _declaring_line


def _declaring_line(stack: source_pb2.StackTrace) -> source_pb2.SourcePosition | None:
    """Return the line that Pulumi takes for a resource's declaration, without reading any file.

    It calls the third constructor on the stack, the first two being Pulumi's own.
    """
    frame, constructors = sys._getframe(1), 0
    while frame.f_back is not None:
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
        if constructors == 3:
            file = Path(frame.f_code.co_filename)
            if not file.is_absolute():  # code without a file
                return None
            return source_pb2.SourcePosition(uri=file.as_uri(), line=frame.f_lineno)
    return None
