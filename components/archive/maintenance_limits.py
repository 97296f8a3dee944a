"""What alerts and `make status` hold the archive's maintenance to, by the stack's settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.config.archive import ArchiveSettings
from components.config.cron import DAY, HOUR, longest_pause
from components.settings import MEBIBYTE

# Of what a run should leave or of the time to the next one, until it is reported: a run may fail.
TOLERATED_RUNS = 3
TOLERATED_SIZE = 2


@dataclass(frozen=True)
class MaintenanceLimits:
    """The limits for every table of an Iceberg archive."""

    # From one maintenance to the next; None where it does not say when it was, as AWS's optimizers.
    late_after_seconds: int | None
    most_snapshots: int
    # Files of hours that are not closed, or were closed after the last run.
    open_files: int
    # Into which files are merged.
    target_file_bytes: int

    @classmethod
    def from_config(cls, archive: ArchiveSettings, tasks: int) -> "MaintenanceLimits | None":
        """Return the limits for a sink with so many tasks; None where nothing is maintained."""
        maintenance = archive.maintenance
        if archive.maintenance_kind == "none":
            return None
        job = archive.maintenance_kind == "job"
        # AWS starts its optimizers once a day at least.
        between = longest_pause(maintenance.schedule) if job else DAY
        commit = archive.rotate_interval_ms / 1000
        until_merged = between + maintenance.closed_after_minutes * 60 + HOUR
        return cls(
            late_after_seconds=TOLERATED_RUNS * between if job else None,
            most_snapshots=round(
                TOLERATED_SIZE * (maintenance.snapshot_max_count + between / commit)
            ),
            open_files=round(until_merged / commit) * tasks,
            target_file_bytes=maintenance.target_file_size * MEBIBYTE,
        )

    def records(self) -> dict[str, int]:
        """Return the limits as recording rules, by name."""
        found = {
            "archive_table_snapshots_limit": self.most_snapshots,
            "archive_open_files_limit": self.open_files,
            "archive_target_file_bytes": self.target_file_bytes,
        }
        if self.late_after_seconds is not None:
            found["archive_maintenance_late_seconds"] = self.late_after_seconds
        return found

    def output(self) -> Mapping[str, int | None]:
        """Return what `make status` needs of them."""
        return {
            "lateAfterSeconds": self.late_after_seconds,
            "mostSnapshots": self.most_snapshots,
        }
