"""What the Glue catalog has of the archive's Iceberg tables.

The sink adds columns while it runs, and gives values of another type a column of their own, so only
the catalog knows which columns the views must show.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from archive_views.column_comments import stored_column
from archive_views.table import StoredColumn
from components.config.cluster import AwsSettings

# How long a preview asks Glue; where AWS can't be reached, nothing is deployed either.
CONNECT_SECONDS, READ_SECONDS = 3, 10
# Iceberg's mark of a column that the table has now; Glue keeps the earlier ones, too.
CURRENT = "iceberg.field.current"

StoredColumns = Mapping[str, tuple[StoredColumn, ...]]


def catalog_columns(settings: AwsSettings, database: str) -> StoredColumns:
    """Return the columns of each table of a database; none where Glue can't be asked.

    The views then have the columns of PostgreSQL's tables, and fail if the archive has others.
    """
    # Slow, and only stacks with archive.athena ask Glue.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"max_attempts": 1}
    )
    try:
        glue = boto3.client("glue", region_name=settings.region, config=config)
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            _report(error)
        return {}
    except BotoCoreError as error:
        _report(error)
        return {}
    return stored_columns(table for page in pages for table in page["TableList"])


def stored_columns(tables: Iterable[Mapping[str, Any]]) -> StoredColumns:
    """Return the columns of each table, as Glue describes them."""
    found = {}
    for table in tables:
        columns = [
            column
            for column in table.get("StorageDescriptor", {}).get("Columns", ())
            if column.get("Parameters", {}).get(CURRENT, "true") == "true"
        ]
        names = {column["Name"] for column in columns}
        found[table["Name"]] = tuple(
            stored_column(column["Name"], column.get("Comment", ""), names) for column in columns
        )
    return found


def _report(error: Exception) -> None:
    pulumi.log.info(
        f"archive.athena: Glue was not asked for the archive's columns ({error}); the views have"
        " those of PostgreSQL's tables"
    )
