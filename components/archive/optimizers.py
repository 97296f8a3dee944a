"""AWS's table optimizers: Glue itself compacts tables, expires snapshots and deletes orphans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.config.captured_database import CapturedDatabase
from components.config.maintenance import MaintenanceSettings
from components.config.tables import iceberg_table_of

# By AWS's names of the optimizers; their runs start at most once an hour.
COMPACTION, RETENTION, ORPHANS = "compaction", "retention", "orphan_file_deletion"


@dataclass(frozen=True)
class OptimizedTable:
    """A table of the archive that AWS maintains."""

    source: CapturedDatabase
    table: str
    """as schema.table"""
    catalog: aws.glue.CatalogDatabase


def declare_optimizers(
    settings: MaintenanceSettings,
    tables: Iterable[OptimizedTable],
    role_arn: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare three optimizers for each listed table.

    AWS refuses an optimizer of a table that does not exist: a table is listed in
    archive.maintenance.glueTables once the sink has created it.
    """
    for one in tables:
        for kind, configuration in configurations(settings).items():
            aws.glue.CatalogTableOptimizer(
                f"{one.source.entry(one.table)}-{kind}",
                catalog_id=one.catalog.arn.apply(account_of),
                database_name=one.catalog.name,
                table_name=iceberg_table_of(one.table),
                type=kind,
                configuration={"enabled": True, "role_arn": role_arn, **configuration},
                opts=opts,
            )


def configurations(settings: MaintenanceSettings) -> dict[str, dict[str, Any]]:
    """Return each optimizer's own settings; AWS counts in whole days."""
    retention = {
        "snapshot_retention_period_in_days": _days(settings.snapshot_max_age_hours),
        # AWS keeps at least as many, whatever their age.
        "number_of_snapshots_to_retain": settings.snapshot_max_count,
        "clean_expired_files": True,
    }
    orphans = {"orphan_file_retention_period_in_days": _days(settings.orphan_min_age_hours)}
    return {
        COMPACTION: {
            "compaction_configuration": {"iceberg_configuration": {"strategy": "binpack"}}
        },
        RETENTION: {"retention_configuration": {"iceberg_configuration": retention}},
        ORPHANS: {"orphan_file_deletion_configuration": {"iceberg_configuration": orphans}},
    }


def account_of(arn: str) -> str:
    """Return the account of a resource, which is also the id of its Glue catalog."""
    return arn.split(":")[4]


def _days(hours: int) -> int:
    return -(-hours // 24)
