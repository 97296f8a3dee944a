"""The yardstick of `make bench-program` has the program's resources, and its table the costs."""

from bench.program import result, tree
from bench.program.result import Commands, Cost, Size
from bench.result import Machine

STACK = "urn:pulumi:bench::datapipe::pulumi:pulumi:Stack::datapipe-bench"
LAYER = "urn:pulumi:bench::datapipe::datapipe:streaming:Streaming::streaming"
TOPIC = "urn:pulumi:bench::datapipe::datapipe:streaming:Streaming$kafka:index/topic:Topic::users"


def resource(urn: str, parent: str = "", custom: bool = False) -> dict[str, object]:
    kind = urn.split("::")[2].rpartition("$")[2]
    return {"urn": urn, "type": kind, "custom": custom, "parent": parent}


def commands(cpu: float, up: float | None) -> Commands:
    cost = Cost(seconds=2 * cpu, cpu=cpu)
    checkpointed = Cost(seconds=2 * up, cpu=up) if up else None
    return Commands(
        preview=cost, judged=cost, up=checkpointed, up_at_once=cost, unchanged=cost, state=2**20
    )


def test_the_yardstick_has_the_programs_tree_without_providers() -> None:
    provider = "urn:pulumi:bench::datapipe::pulumi:providers:kafka::kafka"
    nodes = tree.tree(
        [
            resource(STACK),
            resource(provider, STACK, custom=True),
            resource(LAYER, STACK),
            resource(TOPIC, LAYER, custom=True),
        ]
    )
    assert nodes == [tree.Node("streaming", None, False), tree.Node("users", 0, True)]


def test_each_command_is_compared_with_the_yardstick() -> None:
    measured = result.ProgramGrowth(
        at="2026-11-28T08:00:00+00:00",
        revision="v1",
        machine=Machine(
            cores=2, processor="CPU", memory=2**32, system="", kernel="", load_before=0.5
        ),
        sizes=(
            Size(
                tables=1000,
                resources=1072,
                program=commands(3, 30),
                empty=commands(2, None),
            ),
        ),
    )
    line = result.text(measured).splitlines()[-1]
    compared = "3.0 / 2.0 = **1.5** (6 / 4)"
    assert line == (
        f"| 1,000 | 1,072 | {compared} | {compared} | – | {compared} | {compared} | 1.0 / 1.0 MiB |"
    )
