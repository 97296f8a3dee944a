"""The configuration of the archive's maintenance (`datapipe:archive.maintenance`)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.config.cron import require_schedule
from components.config.tables import ListedTable
from components.settings import LARGEST_INT, Mebibytes, Settings

MaintenanceKind = Literal["job", "glue", "none"]


class MaintenanceSettings(Settings):
    """What keeps an Iceberg archive small and quick to read, and how often."""

    kind: MaintenanceKind | None = Field(
        default=None,
        description="Who maintains the Iceberg tables: job, a CronJob of this stack; glue, AWS's"
        " table optimizers; none, the stack does not. The default is job with sink iceberg; files"
        " of confluent-s3 have no maintenance.",
    )
    schedule: Annotated[str, AfterValidator(require_schedule)] = Field(
        default="17 * * * *",
        description="When the job runs, in the syntax of cron. Between two runs each commit adds a"
        " snapshot to its table's metadata.",
    )
    snapshot_max_age_hours: int = Field(
        default=24,
        ge=1,
        le=LARGEST_INT,
        description="Hours after which a snapshot expires: longer than any query runs. The one"
        " that holds the sink's place, and all after it, are kept.",
    )
    snapshot_max_count: int = Field(
        default=500,
        ge=10,
        le=LARGEST_INT,
        description="Snapshots of a table that maintenance leaves; older ones expire before their"
        " age. Each takes about 1 KB of the metadata that every commit writes and every query"
        " reads. AWS's optimizers keep at least as many instead.",
    )
    target_file_size: Mebibytes = Field(
        default=128,
        description="Size of the files into which small ones of closed hours are merged.",
    )
    closed_after_minutes: int = Field(
        default=60,
        ge=1,
        le=LARGEST_INT,
        description="Minutes after its end when an hour of a table is closed, so that its files"
        " are merged.",
    )
    orphan_min_age_hours: int = Field(
        default=192,
        ge=72,
        le=LARGEST_INT,
        description="Hours after which a file is deleted that no snapshot of its table refers to."
        " It must exceed topics.retentionMs: the sink can still commit what it wrote before a"
        " long outage.",
    )
    deadline_minutes: int = Field(
        default=50,
        ge=5,
        le=LARGEST_INT // 60,
        description="Minutes after which a run of the job is ended; the next one goes on.",
    )
    glue_tables: tuple[ListedTable, ...] = Field(
        default=(),
        description="Captured tables that have AWS's table optimizers, where kind is glue. AWS"
        " accepts no optimizer for a table that does not exist, so add each one after the sink has"
        " created it.",
    )
