"""The Glue database in which the Iceberg sink registers its tables."""

import pulumi
import pulumi_aws as aws

from components.config.archive import ArchiveSettings


def declare_catalog(
    settings: ArchiveSettings, bucket: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> aws.glue.CatalogDatabase:
    """Return the database; its tables, which the sink creates, are under the archive's prefix."""
    return aws.glue.CatalogDatabase(
        "catalog",
        name=settings.catalog_database,
        location_uri=pulumi.Output.concat("s3://", bucket, "/", settings.prefix),
        opts=opts,
    )
