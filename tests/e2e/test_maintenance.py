"""The archive is maintained while the pipeline runs: it stays bounded, and no row changes."""

import json
from typing import Any

import pytest
from pyiceberg.table import Table

from clients.archive import IcebergArchive
from clients.maintenance import Run, run_now
from clients.stack import StackOutputs
from tests.e2e.test_verify import verify

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def created(outputs: StackOutputs) -> dict[str, Table]:
    """The tables that the sink has created, by their names in PostgreSQL."""
    archive = IcebergArchive(outputs.archive)
    found = {table: archive.find(table) for table in outputs.tables}
    return {table: one for table, one in found.items() if one is not None}


@pytest.fixture(scope="module")
def run(outputs: StackOutputs, created: dict[str, Table]) -> Run:
    """A run of the job, in addition to those by its schedule."""
    assert created
    return run_now(outputs, lambda _: None)


def test_every_table_is_maintained_within_its_bounds(
    run: Run, created: dict[str, Table], outputs: StackOutputs
) -> None:
    assert run.succeeded, run.output
    lines = [line for line in run.output.splitlines() if line.startswith("{")]
    reports: dict[str, dict[str, Any]] = {one["table"]: one for one in map(json.loads, lines)}
    assert set(reports) >= {outputs.archive.tables[table] for table in created}
    for report in reports.values():
        assert 0 < report["snapshots"] <= 600
        assert report["files"] > 0
        assert report["metadataBytes"] < 64 * MEBIBYTE


def test_the_rows_are_still_those_of_the_database(run: Run) -> None:
    assert run.succeeded
    code, result = verify()
    assert (code, result["error"]) == (0, None)
    assert result["rows"] == result["equal"] > 0


def test_tables_have_the_properties_that_bound_their_metadata(created: dict[str, Table]) -> None:
    assert created
    for found in created.values():
        assert found.properties["write.metadata.compression-codec"] == "gzip"
        assert found.properties["write.metadata.previous-versions-max"] == "20"
        assert found.metadata_location.endswith(".gz.metadata.json")
        assert len(found.metadata.metadata_log) <= 20
