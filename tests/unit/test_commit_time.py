"""The preview says when a commit of all tables takes longer than its interval, and what to set."""

import re
from pathlib import Path

import pytest

from components.streaming.connectors.sink import SinkConnector
from components.streaming.sinks.commit_time import (
    MEASURED_SECONDS,
    MEASURED_TABLES,
    commit_time_remark,
)
from components.streaming.sinks.declared import declared_sinks
from tests.unit.streaming_stack import sandbox


def fits(_: SinkConnector) -> bool:
    return True


def remarks(tables: int, interval_ms: int) -> list[str]:
    """Return what the preview of a stack says of its sink."""
    config = sandbox(archive={"rotateIntervalMs": interval_ms})
    listed = tuple(f"public.table_{number}" for number in range(tables))
    sinks = declared_sinks(config.model_copy(update={"tables": listed}))
    return [each.text for each in sinks.archive.remarks(tables, fits)]


def test_four_hundred_tables_are_too_many_for_ten_seconds() -> None:
    [text] = remarks(400, 10_000)
    assert "a commit of 400 tables takes about 125 s" in text
    assert "longer than archive.rotateIntervalMs 10000" in text
    assert text.endswith("Set archive.rotateIntervalMs to at least 130000")


def test_the_sample_tables_are_committed_in_time() -> None:
    assert remarks(4, 10_000) == []


@pytest.mark.parametrize("tables", [MEASURED_TABLES, MEASURED_TABLES + 1])
def test_the_measured_number_of_tables_is_committed_in_its_time(tables: int) -> None:
    remark = commit_time_remark(tables, MEASURED_SECONDS * 1000)
    assert (remark is None) is (tables == MEASURED_TABLES)


def test_the_documentation_has_the_numbers_of_tables_from_which_it_warns() -> None:
    page = (Path(__file__).parents[2] / "docs/TUNING.md").read_text()
    first = {
        interval: next(count for count in range(1, 1000) if commit_time_remark(count, interval))
        for interval in (10_000, 60_000)
    }
    assert f"from {first[10_000]} tables on, with 60 s from {first[60_000]} on" in page


@pytest.mark.parametrize("tables", [33, 100, 999])
@pytest.mark.parametrize("interval_ms", [1000, 10_000])
def test_the_proposed_interval_is_long_enough(tables: int, interval_ms: int) -> None:
    remark = commit_time_remark(tables, interval_ms)
    assert remark
    assert remark.level == "warning"
    found = re.search(r"to at least (\d+)$", remark.text)
    assert found
    assert commit_time_remark(tables, int(found[1])) is None
