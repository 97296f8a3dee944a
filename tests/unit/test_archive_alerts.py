"""The alerts of the archive's tables fire at the limits that follow from the stack's settings."""

import pytest

from tests.promql import rules
from tests.promql_values import Vector, evaluate, labels

NOW = 1_800_000_000.0
HOUR = 3600
MEBIBYTE = 1024 * 1024
LATE, SNAPSHOTS, OPEN, TARGET = 3 * HOUR, 1000, 300, 128 * MEBIBYTE
USERS, ORDERS = (labels(table=f"cdc.{name}") for name in ("users", "orders"))
LIMITS: dict[str, Vector] = {
    "archive_maintenance_late_seconds": {labels(): LATE},
    "archive_table_snapshots_limit": {labels(): SNAPSHOTS},
    "archive_open_files_limit": {labels(): OPEN},
    "archive_target_file_bytes": {labels(): TARGET},
}
NO_LIMITS: dict[str, Vector] = {name: {} for name in LIMITS}


def firing(alert: str, **metrics: Vector) -> Vector:
    """Return the series for which an alert's condition holds, in a stack with limits or these."""
    (rule,) = (rule for rule in rules() if rule.get("alert") == alert)
    return evaluate(rule["expr"], {**LIMITS, **metrics}, NOW)


def of_worker(number: int, table: str) -> frozenset[tuple[str, str]]:
    return labels(table=table, pod=f"kafka-connect-{number}")


def test_maintenance_is_late_after_its_limit() -> None:
    maintained = {USERS: NOW - LATE, ORDERS: NOW - LATE - 1}
    found = firing("MaintenanceLate", archive_table_maintained_timestamp_seconds=maintained)
    assert found == {ORDERS: LATE + 1}


def test_the_worker_that_looked_last_tells_when_it_was() -> None:
    maintained = {
        of_worker(1, "cdc.users"): NOW - 2 * LATE,
        of_worker(2, "cdc.users"): NOW - 5,
    }
    assert not firing("MaintenanceLate", archive_table_maintained_timestamp_seconds=maintained)


@pytest.mark.parametrize("maintained", [0, NOW])
def test_a_table_without_a_snapshot_or_just_maintained_is_not_late(maintained: float) -> None:
    seen = {USERS: maintained}
    assert not firing("MaintenanceLate", archive_table_maintained_timestamp_seconds=seen)


def test_metadata_grows_beyond_what_maintenance_leaves() -> None:
    snapshots: Vector = {USERS: SNAPSHOTS, ORDERS: SNAPSHOTS + 1}
    found = firing("ArchiveMetadataGrows", archive_table_snapshots=snapshots)
    assert found == {ORDERS: SNAPSHOTS + 1}


def test_a_stack_that_maintains_nothing_has_no_such_limits() -> None:
    found = {USERS: 10.0**6}
    assert not firing("ArchiveMetadataGrows", archive_table_snapshots=found, **NO_LIMITS)
    assert not firing(
        "MaintenanceLate", archive_table_maintained_timestamp_seconds=found, **NO_LIMITS
    )
    assert not firing(
        "SmallFiles", archive_table_files=found, archive_table_bytes={USERS: 0}, **NO_LIMITS
    )


@pytest.mark.parametrize(("mebibytes", "fires"), [(5.7, False), (5.8, True)])
def test_all_tables_metadata_together_may_take_a_fifth_of_the_heap(
    mebibytes: float, fires: bool
) -> None:
    """Of a worker with 575 MiB, by ten times its size: 11.5 MiB, here of two tables."""
    heap = {"pod": "kafka-connect-1", "container": "kafka-connect"}
    found = firing(
        "ArchiveMetadataFillsHeap",
        archive_table_metadata_bytes={
            of_worker(1, table): mebibytes * MEBIBYTE for table in ("cdc.users", "cdc.orders")
        },
        jvm_heap_bytes={
            labels(kind="max", **heap): 575 * MEBIBYTE,
            labels(kind="used", **heap): 1,
            labels(kind="max", pod="kafka-0", container="kafka"): 1,
        },
    )
    assert bool(found) is fires


@pytest.mark.parametrize(
    ("files", "size", "fires"),
    [
        # Of each hour one, twice, and what is not closed.
        (48 + OPEN, 0, False),
        (48 + OPEN + 1, 0, True),
        # As many large ones as were written.
        (2000, 1000 * TARGET, False),
        # After an erasure or the first compaction.
        (-500, -1000 * MEBIBYTE, False),
    ],
)
def test_a_days_files_are_those_of_its_hours_and_of_its_bytes(
    files: float, size: float, fires: bool
) -> None:
    found = firing(
        "SmallFiles", archive_table_files={USERS: files}, archive_table_bytes={USERS: size}
    )
    assert bool(found) is fires


@pytest.mark.parametrize(
    "expression", ["1", "rate(a[5m])", 'a{b!="c"}', "max without (a) (a)", "a > ignoring (b) a"]
)
def test_what_is_not_evaluated_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"can't evaluate|is a number"):
        evaluate(expression, {"a": {labels(): 1.0}})
