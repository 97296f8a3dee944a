"""The reader's role: it queries the archive in one workgroup, and does nothing else."""

from dataclasses import dataclass
from typing import Any

from components.archive.statements import Statement, allow
from components.config.archive import ArchiveSettings
from components.config.athena import AthenaSettings

WORKGROUP_ACTIONS = (
    "athena:BatchGetNamedQuery",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
CATALOG_ACTIONS = ("glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables")
RESULT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


@dataclass(frozen=True)
class Readable:
    """What the role may read."""

    account: str
    region: str
    partition: str
    """of the ARNs: aws, aws-cn or aws-us-gov"""
    databases: tuple[str, ...]
    """of Glue"""
    workgroup: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of the account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def reader_policy(
    settings: ArchiveSettings, athena: AthenaSettings, readable: Readable
) -> dict[str, Any]:
    """Return the policy of the reader's role."""
    statements = [
        allow(
            "QueryInWorkgroup",
            list(WORKGROUP_ACTIONS),
            [readable.arn("athena", f"workgroup/{readable.workgroup}")],
        ),
        allow("ReadCatalog", list(CATALOG_ACTIONS), _catalog(readable)),
        *_objects(settings, athena, readable),
    ]
    if settings.kms_key_arn is not None:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"]
        statements.append(allow("UseKey", actions, [settings.kms_key_arn]))
    return {"Version": "2012-10-17", "Statement": statements}


def _catalog(readable: Readable) -> list[str]:
    """Return the databases and their tables; Athena looks at the database `default`, too."""
    names = [*readable.databases, "default"]
    return [
        readable.arn("glue", "catalog"),
        *(readable.arn("glue", f"database/{name}") for name in names),
        *(readable.arn("glue", f"table/{name}/*") for name in readable.databases),
    ]


def _objects(
    settings: ArchiveSettings, athena: AthenaSettings, readable: Readable
) -> list[Statement]:
    bucket = f"arn:{readable.partition}:s3:::{settings.bucket}"
    prefixes = [settings.prefix, athena.results_prefix]
    within = [pattern for prefix in prefixes for pattern in (prefix, f"{prefix}/*")]
    return [
        allow("ReadArchive", ["s3:GetObject"], [f"{bucket}/{settings.prefix}/*"]),
        allow("WriteResults", list(RESULT_ACTIONS), [f"{bucket}/{athena.results_prefix}/*"]),
        allow("ListObjects", ["s3:ListBucket"], [bucket])
        | {"Condition": {"StringLike": {"s3:prefix": within}}},
        allow("FindBucket", ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [bucket]),
    ]


def reader_trust(readers: tuple[str, ...]) -> dict[str, Any]:
    """Lets the stack's readers, and no others, take on the role."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTheReaders",
                "Effect": "Allow",
                "Principal": {"AWS": list(readers)},
                "Action": "sts:AssumeRole",
            }
        ],
    }
