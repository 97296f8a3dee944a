"""The Glue databases in which the Iceberg sink registers its tables, one for each source."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.config.archive import ArchiveSettings
from components.config.captured_database import CapturedDatabase


def declare_catalog(
    settings: ArchiveSettings,
    database: CapturedDatabase,
    bucket: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> aws.glue.CatalogDatabase:
    """Return the database; its tables, which the sink creates, are under the archive's prefix."""
    return aws.glue.CatalogDatabase(
        database.qualified("catalog"),
        name=database.catalog_database,
        location_uri=pulumi.Output.concat("s3://", bucket, "/", settings.prefix),
        opts=opts,
    )
