"""The limits of alerts and `make status` follow from the schedule and the sink's settings."""

from typing import Any

import pytest

from components.archive.maintenance_limits import MaintenanceLimits
from components.config.archive import ArchiveSettings
from components.config.cron import DAY, HOUR, longest_pause

MEBIBYTE = 1024 * 1024


def limits(tasks: int = 2, **settings: Any) -> MaintenanceLimits | None:
    archive = {"bucket": "datapipe-ingestion-test", "sink": "iceberg", **settings}
    return MaintenanceLimits.from_config(ArchiveSettings.model_validate(archive), tasks)


def test_the_limits_of_the_defaults() -> None:
    """A run an hour leaves 500 snapshots, and a commit a minute adds 60: twice 560.

    Until its files are merged an hour is written, closed for an hour, and waits for a run.
    """
    assert limits() == MaintenanceLimits(
        late_after_seconds=3 * HOUR,
        most_snapshots=1120,
        open_files=360,
        target_file_bytes=128 * MEBIBYTE,
    )


@pytest.mark.parametrize(
    ("settings", "late", "snapshots", "files"),
    [
        ({"rotateIntervalMs": 10_000}, 3 * HOUR, 1720, 2160),
        ({"maintenance": {"schedule": "0 3 * * *"}}, 3 * DAY, 3880, 3120),
        ({"maintenance": {"snapshotMaxCount": 50}}, 3 * HOUR, 220, 360),
        ({"maintenance": {"closedAfterMinutes": 1}}, 3 * HOUR, 1120, 242),
        # AWS's optimizers do not say when they were there.
        ({"maintenance": {"kind": "glue"}}, None, 3880, 3120),
    ],
)
def test_each_setting_counts(
    settings: dict[str, Any], late: int | None, snapshots: int, files: int
) -> None:
    found = limits(**settings)
    assert found is not None
    assert found.late_after_seconds == late
    assert (found.most_snapshots, found.open_files) == (snapshots, files)


def test_more_tasks_write_more_files() -> None:
    one, three = limits(tasks=1), limits(tasks=3)
    assert one is not None
    assert three is not None
    assert three.open_files == 3 * one.open_files


@pytest.mark.parametrize("settings", [{"sink": "confluent-s3"}, {"maintenance": {"kind": "none"}}])
def test_what_is_not_maintained_has_no_limits(settings: dict[str, Any]) -> None:
    assert limits(**settings) is None


def test_they_are_recorded_and_exported() -> None:
    job, glue = limits(), limits(maintenance={"kind": "glue"})
    assert job is not None
    assert glue is not None
    assert job.records() == {
        "archive_table_snapshots_limit": 1120,
        "archive_open_files_limit": 360,
        "archive_target_file_bytes": 128 * MEBIBYTE,
        "archive_maintenance_late_seconds": 3 * HOUR,
    }
    assert "archive_maintenance_late_seconds" not in glue.records()
    assert job.output() == {"lateAfterSeconds": 3 * HOUR, "mostSnapshots": 1120}


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("17 * * * *", HOUR),
        ("*/15 * * * *", 900),
        ("0,20 * * * *", 2400),
        ("0 6-18/4 * * *", 12 * HOUR),  # 6, 10, 14 and 18
        ("0 22/1 * * *", 23 * HOUR),  # 22 and 23
        ("0 2 * * *", DAY),
        ("0 2 * * 0", 7 * DAY),
        ("0 2 * * 7", 7 * DAY),
        ("0 2 * * 1-5", 3 * DAY),
        ("0 0 1 * *", 31 * DAY),
        # On the first of a month and on Mondays.
        ("0 0 1 * 1", 7 * DAY),
        ("0 0 29 2 *", 1461 * DAY),
    ],
)
def test_the_longest_pause_of_a_schedule(schedule: str, seconds: int) -> None:
    assert longest_pause(schedule) == seconds
