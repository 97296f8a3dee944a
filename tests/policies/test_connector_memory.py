"""The policy counts what the program's connectors hold, as the program does."""

from math import ceil
from typing import Any

import pytest

from components.row_size import RowSize
from components.sizing import CONNECT_JVM, heap_for
from components.streaming.connectors import memory
from policies.connector_memory import USABLE, WORKER
from policies.quantities import MEBIBYTE
from policies.resource import Resource
from tests.policies.samples import container, deployment, messages, pod_spec, sizes
from tests.unit.existing_databases import SHOP
from tests.unit.streaming_stack import SANDBOX, design, source_connectors

HEAP = heap_for(1024, CONNECT_JVM)


def worker(heap: int = HEAP, **spec: int) -> Resource:
    env = [{"name": "KAFKA_HEAP_OPTS", "value": f"-Xmx{heap}m"}]
    return deployment("kafka-connect", pod_spec(container(resources=sizes("1Gi"), env=env)), **spec)


def sources(count: int, **kafka: Any) -> list[Resource]:
    """Return the connectors of so many databases, as the program declares them."""
    existing = {f"s{number}": SHOP | {"host": f"h{number}.x"} for number in range(count)}
    sections = {"tables": ["public.users"], "sources": existing, "kafka": kafka}
    config = design(**SANDBOX | sections)
    token = "pulumi-python:dynamic/kafka:Connector"
    return [
        Resource(token, one.name, {"name": one.name, "config": one.properties()})
        for one in source_connectors(config)[:count]
    ]


def test_its_figures_are_the_programs() -> None:
    assert WORKER == memory.WORKER * MEBIBYTE
    assert USABLE == memory.USABLE
    assert memory.Workers(1, 1, 1, 1, 1, row_size=RowSize(1)).of_a_source == pytest.approx(60)


@pytest.mark.parametrize("mebibytes", [1, 16])
def test_a_connector_holds_what_the_program_counts(mebibytes: int) -> None:
    held = memory.Workers(1, 1, 1, 1, 1, row_size=RowSize(mebibytes)).of_a_source
    connector = sources(1, maxRowSize=f"{mebibytes}Mi")
    fitting = ceil((memory.WORKER + held) / USABLE)
    assert messages("connector-memory", [worker(fitting), *connector]) == []
    assert len(messages("connector-memory", [worker(fitting - 1), *connector])) == 1


def test_as_many_databases_fit_as_the_heap_has_room_for() -> None:
    fitting = (int(HEAP * USABLE) - memory.WORKER) // 60
    assert messages("connector-memory", [worker(), *sources(fitting)]) == []
    (message,) = messages("connector-memory", [worker(), *sources(fitting + 1)])
    assert f"{fitting} fit: capture fewer databases (datapipe:sources)" in message


def test_workers_share_them() -> None:
    fitting = (int(HEAP * USABLE) - memory.WORKER) // 60
    assert messages("connector-memory", [worker(replicas=2), *sources(2 * fitting)]) == []
