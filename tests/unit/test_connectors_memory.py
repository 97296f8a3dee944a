"""What the sink's buffers can take of a worker's heap, and which number of tasks fits."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.config import StackConfig
from components.row_size import RowSize
from components.sizing import CONNECT_JVM, heap_for
from components.streaming.connectors.confluent_s3 import ConfluentS3SinkConnector
from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.memory import Workers
from tests.unit.existing_databases import SHOP
from tests.unit.streaming_stack import OWN_ICEBERG, SANDBOX, design, sink_connector

Stack = Callable[..., StackConfig]

# The design's worker of 1024Mi, and four tables of six partitions.
DESIGN = Workers(heap=568, count=1, brokers=3, tables=4, partitions=24)


def confluent_sink(**fields: Any) -> ConfluentS3SinkConnector:
    converters = {"key_converter": JsonConverter(), "value_converter": JsonConverter()}
    return ConfluentS3SinkConnector(**{"name": "sink", **converters, **fields})


def test_the_designs_24_tasks_fit_its_worker_because_files_close_at_1000_records(
    stack: Stack,
) -> None:
    sink = sink_connector(stack())
    assert sink.tasks_max == 24
    # 48 + (10240 × 2 KiB + 32 + 8) + 24 × (6 + 1.24) + 24 × (1 + 0.02 + 2) + 2 × 6 + 6
    assert DESIGN.needed([sink]) == 373


def test_files_that_grow_to_a_whole_row_group_do_not_fit() -> None:
    sink = confluent_sink(flush_size=100_000)
    assert not DESIGN.fits([sink])
    assert DESIGN.needed([sink]) > DESIGN.heap


def test_24_iceberg_tasks_do_not_fit_and_the_error_says_how_many_do(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"24 tasks can take 583 MiB.*archive.tasks to at most 5,"):
        sink_connector(stack(images=OWN_ICEBERG, archive={"sink": "iceberg", "tasks": 24}))
    assert (
        sink_connector(stack(images=OWN_ICEBERG, archive={"sink": "iceberg", "tasks": 5})).tasks_max
        == 5
    )


def test_a_larger_worker_takes_24_iceberg_tasks(stack: Stack) -> None:
    sizing = {"connect": {"memoryLimit": "2Gi"}}
    archive = {"sink": "iceberg", "tasks": 24}
    assert sink_connector(stack(images=OWN_ICEBERG, archive=archive, sizing=sizing)).tasks_max == 24
    assert sink_connector(stack(images=OWN_ICEBERG, archive={"sink": "iceberg"})).tasks_max == 2


def test_workers_share_the_tasks_but_not_the_source() -> None:
    sink = confluent_sink()
    alone = DESIGN.needed([sink])
    shared = Workers(heap=568, count=2, brokers=3, tables=4, partitions=24).needed([sink])
    assert alone / 2 < shared < alone


def test_each_source_connector_takes_its_own_queue_and_producer() -> None:
    sink = confluent_sink()
    three = replace(DESIGN, sources=3)
    # (10240 × 2 KiB + 32 + 8) MiB for each of two more
    assert three.needed([sink]) - DESIGN.needed([sink]) == 120


def test_databases_that_do_not_fit_are_refused_with_the_number_that_does() -> None:
    sink = confluent_sink(tasks_max=1)
    many = replace(DESIGN, sources=10, existing=9)
    with pytest.raises(ValueError, match=r"have at most \d+ of 9 in datapipe:sources") as error:
        many.require_heap({"archive": sink})
    (fitting,) = map(int, re.findall(r"at most (\d+) of 9", str(error.value)))
    assert many.fits([sink]) is False
    assert replace(DESIGN, tables=1, sources=fitting + 1).fits([sink])
    assert not replace(DESIGN, tables=1, sources=fitting + 2).fits([sink])
    assert "sizing.connect" in str(error.value)


def test_a_connector_for_each_managed_table_is_no_database_too_many() -> None:
    with pytest.raises(ValueError, match=r"set source\.isolation to shared") as refused:
        replace(DESIGN, sources=10).require_heap({"archive": confluent_sink(tasks_max=1)})
    assert "datapipe:sources" not in str(refused.value)


def test_many_tables_of_few_databases_are_a_warning() -> None:
    archive = {"sink": "iceberg", "tasks": 1}
    many: dict[str, Any] = {f"public.t{number}": {} for number in range(40)}
    sources = {"shop": SHOP | {"tables": many}}
    config = design(**{**SANDBOX, "archive": archive, "sources": sources})
    assert sink_connector(config).tasks_max == 1


def test_too_many_tables_for_any_number_of_tasks_are_a_warning() -> None:
    workers = Workers(heap=568, count=1, brokers=3, tables=1000, partitions=6000)
    warning = workers.require_heap({"archive": confluent_sink()})
    assert warning is not None
    (enough,) = re.findall(r"fits: set sizing.connect.memoryLimit to at least (\d+)Mi", warning)
    larger = replace(workers, heap=heap_for(int(enough), CONNECT_JVM))
    assert larger.require_heap({"archive": confluent_sink()}) is None


def test_rows_that_do_not_fit_the_worker_are_refused_with_the_size_that_fits(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"rows of up to 64Mi \(kafka.maxRowSize\); set") as error:
        sink_connector(stack(kafka={"maxRowSize": "64Mi"}))
    (fitting,) = re.findall(r"kafka.maxRowSize to at most (\d+)Mi,", str(error.value))
    assert sink_connector(stack(kafka={"maxRowSize": f"{fitting}Mi"})).max_poll_records == 1
    with pytest.raises(ValueError, match=r"kafka.maxRowSize"):
        sink_connector(stack(kafka={"maxRowSize": f"{int(fitting) + 1}Mi"}))


def test_a_sink_without_the_stacks_row_size_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"row_size must be the stack's \(kafka.maxRowSize: 4Mi\)"):
        confluent_sink().require_row_size(RowSize(4))


def test_the_heap_of_every_sink_is_counted() -> None:
    archive, second = confluent_sink(name="archive"), confluent_sink(name="second")
    alone = DESIGN.needed([archive]) - DESIGN.needed([])
    assert DESIGN.needed([archive, second]) == pytest.approx(
        DESIGN.needed([archive]) + alone, abs=1
    )
    warning = DESIGN.require_heap({"archive": archive, "sinks.second": second})
    assert warning is not None
    assert "connectors archive and second: the buffers of 24 + 24 tasks" in warning


def test_the_sink_whose_tasks_are_too_many_is_named() -> None:
    archive = confluent_sink(name="archive", fetch_max_bytes=16 * 1024 * 1024)
    workers = replace(DESIGN, heap=568, partitions=4)
    second = confluent_sink(name="second", tasks_max=100)
    with pytest.raises(ValueError, match=r"set sinks\.second\.tasks to at most \d+, or"):
        workers.require_heap({"sinks.second": second, "archive": archive})
