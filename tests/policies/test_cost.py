"""The pack's cost in a preview, measured on the process that the engine starts for it."""

import os
import subprocess
import sys
from pathlib import Path

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policies.resource import Resource
from polling.lines import LineReader
from tests.policies.samples import compliant_stack, topic

PACK = Path(__file__).resolve().parents[2] / "policies"
# CPU time, which on an idle machine is the elapsed time; the program has about 90 resources.
SECONDS_ALLOWED = 2.0
SECONDS_TO_START = 60.0


def _struct(resource: Resource) -> Struct:
    properties = Struct()
    properties.update(dict(resource.properties))
    return properties


def test_the_pack_costs_less_than_two_seconds() -> None:
    filler = [topic(f"topic-{number}", retention_ms="60000") for number in range(80)]
    registered = [*compliant_stack(), *filler]

    pack = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:0", "."],
        cwd=PACK,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert pack.stdout is not None
    port = LineReader(pack.stdout).next_line(SECONDS_TO_START)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)
        for one in registered:
            request = analyzer_pb2.AnalyzeRequest(
                urn=one.urn, type=one.type, name=one.name, properties=_struct(one)
            )
            assert not analyzer.Analyze(request).diagnostics
        whole = [
            analyzer_pb2.AnalyzerResource(
                urn=one.urn, type=one.type, name=one.name, properties=_struct(one)
            )
            for one in registered
        ]
        stack = analyzer_pb2.AnalyzeStackRequest(resources=whole)
        assert not analyzer.AnalyzeStack(stack).diagnostics
        pack.terminate()
        _, _, used = os.wait4(pack.pid, 0)

    assert used.ru_utime + used.ru_stime < SECONDS_ALLOWED
