"""IAM statements that sinks and the maintenance need (docs/DESIGN.md).

Writing is a multipart upload from start to end or abort, and listing the objects under the prefix.
No statement of a sink allows deleting, and only the Iceberg sink, which appends to metadata that it
reads first, may read. The maintenance may delete files, but create and delete no table.
"""

from collections.abc import Sequence
from typing import Any

Statement = dict[str, Any]

TABLE_ACTIONS = ("glue:GetTable", "glue:CreateTable", "glue:UpdateTable")
# CreateDatabase: before its first table the sink creates the database and expects the answer
# "already exists"; where it may not call it, it does not create the table.
DATABASE_ACTIONS = ("glue:GetDatabase", "glue:CreateDatabase")


def allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    """Return a statement that allows the actions on the resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def write_statements(bucket_arn: str, prefix: str) -> list[Statement]:
    """Return the rights to write objects under a prefix and to find unfinished uploads."""
    within_prefix = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}
    return [
        allow(
            "WriteObjects",
            ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            [_objects(bucket_arn, prefix)],
        ),
        allow("ListObjects", ["s3:ListBucket"], [bucket_arn]) | {"Condition": within_prefix},
        allow(
            "FindBucketAndUploads",
            ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            [bucket_arn],
        ),
    ]


def table_statements(bucket_arn: str, prefix: str, database_arns: Sequence[str]) -> list[Statement]:
    """Return the rights to read tables' files under a prefix and to use some Glue databases."""
    catalog = _catalog_of(database_arns[0])
    return [
        allow("ReadTableFiles", ["s3:GetObject"], [_objects(bucket_arn, prefix)]),
        allow("UseDatabase", list(DATABASE_ACTIONS), [catalog, *database_arns]),
        allow("UseTables", list(TABLE_ACTIONS), _tables_of(database_arns)),
    ]


def maintenance_statements(
    bucket_arn: str, prefix: str, database_arns: Sequence[str]
) -> list[Statement]:
    """Return the rights to rewrite the tables of some Glue databases and to delete old files."""
    within_prefix = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}
    return [
        allow(
            "RewriteFiles",
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
            [_objects(bucket_arn, prefix)],
        ),
        allow("ListObjects", ["s3:ListBucket"], [bucket_arn]) | {"Condition": within_prefix},
        allow("UpdateTables", ["glue:GetTable", "glue:UpdateTable"], _tables_of(database_arns)),
    ]


def optimizer_log_statement(database_arn: str) -> Statement:
    """Return the right of AWS's table optimizers to write their logs."""
    _, partition, _, region, account, _ = database_arn.split(":", 5)
    groups = [f"/aws-glue/iceberg-{one}/logs" for one in ("compaction", "retention", "orphan")]
    return allow(
        "WriteLogs",
        ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        [f"arn:{partition}:logs:{region}:{account}:log-group:{group}:*" for group in groups],
    )


def _tables_of(database_arns: Sequence[str]) -> list[str]:
    """Return Glue databases and their tables; Glue asks for the right to the catalog as well."""
    found = [_catalog_of(database_arns[0])]
    for database_arn in database_arns:
        account, database = database_arn.rsplit(":", 1)
        found += [database_arn, f"{account}:table/{database.removeprefix('database/')}/*"]
    return found


def _catalog_of(database_arn: str) -> str:
    return f"{database_arn.rsplit(':', 1)[0]}:catalog"


def _objects(bucket_arn: str, prefix: str) -> str:
    return f"{bucket_arn}/{prefix}/*"
