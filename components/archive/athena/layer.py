"""SQL over the archive with Athena as one component."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.archive.athena.catalog import catalog_columns
from components.archive.athena.files import declare_file_tables
from components.archive.athena.queried_source import QueriedSource
from components.archive.athena.queries import declare_queries
from components.archive.athena.reader import Readable, reader_policy, reader_trust
from components.archive.athena.workgroup import declare_workgroup
from components.config import StackConfig
from components.config.archive import ArchiveSettings
from components.config.athena import READER_SUFFIX, AthenaSettings
from components.config.captured_database import CapturedDatabase


@dataclass(frozen=True)
class AthenaArgs:
    """What the views and their readers are made of."""

    archive: ArchiveSettings
    athena: AthenaSettings
    bucket: pulumi.Output[str]
    sources: tuple[QueriedSource, ...]
    """at least one"""


def declare_athena(
    config: StackConfig,
    *,
    bucket: pulumi.Output[str],
    archived: Callable[[CapturedDatabase], Mapping[str, str]] | None,
    columns: Mapping[str, pulumi.Output[dict[str, list[list[str]]]]],
    keys: Mapping[str, pulumi.Output[dict[str, list[str]]]],
    opts: pulumi.ResourceOptions,
) -> Athena | None:
    """Declare what `archive.athena` asks for; None where the stack has no such key.

    `archived` says in which folder each table's files are; None: the archive has Iceberg tables.
    `columns` and `keys` are those of each database, by its name.
    """
    if config.archive.athena is None:
        return None
    sources = tuple(
        QueriedSource(
            database,
            folders=archived(database) if archived else None,
            columns=columns[database.name],
            keys=keys[database.name],
            stored={} if archived else catalog_columns(config.aws, database.catalog_database),
        )
        for database in config.databases
    )
    args = AthenaArgs(config.archive, config.archive.athena, bucket, sources)
    return Athena("athena", args, opts)


class Athena(pulumi.ComponentResource):
    """A workgroup, the reader's role, and a named query for each view."""

    workgroup: pulumi.Output[str]
    views_databases: dict[str, pulumi.Output[str]]
    """by source"""
    reader_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AthenaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:archive:Athena", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        workgroup = declare_workgroup(args.archive, args.athena, child)
        views = {}
        for source in args.sources:
            views[source.name] = aws.glue.CatalogDatabase(
                source.database.qualified("views"), name=source.views_database, opts=child
            )
            if source.folders is not None:
                _declare_files(args.archive, source, source.folders, child)
        declare_queries(args.sources, workgroup, views, child)
        self.workgroup = workgroup.name
        self.views_databases = {source: database.name for source, database in views.items()}
        self.reader_arn = _declare_reader(args, next(iter(views.values())), child)
        self.register_outputs({"workgroup": self.workgroup, "readerArn": self.reader_arn})


def _declare_reader(
    args: AthenaArgs, database: aws.glue.CatalogDatabase, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the ARN of the role that the stack's readers may take on.

    `database` is any of Glue's, whose ARN has the account.
    """
    name = f"{args.archive.bucket}{READER_SUFFIX}"
    role = aws.iam.Role(
        "reader-role",
        name=name,
        path="/datapipe/",
        assume_role_policy=json.dumps(reader_trust(args.athena.readers)),
        opts=opts,
    )
    policy = aws.iam.Policy(
        "read-archive",
        name=name,
        path="/datapipe/",
        policy=database.arn.apply(
            lambda arn: json.dumps(reader_policy(args.archive, args.athena, _readable(args, arn)))
        ),
        opts=opts,
    )
    aws.iam.RolePolicyAttachment("reader-role", role=role.name, policy_arn=policy.arn, opts=opts)
    arn: pulumi.Output[str] = role.arn
    return arn


def _readable(args: AthenaArgs, database_arn: str) -> Readable:
    _, partition, _, region, account, _ = database_arn.split(":", 5)
    return Readable(
        account=account,
        region=region,
        partition=partition,
        databases=tuple(
            database
            for source in args.sources
            for database in (source.database.catalog_database, source.views_database)
        ),
        workgroup=args.archive.bucket,
    )


def _declare_files(
    archive: ArchiveSettings,
    source: QueriedSource,
    folders: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    database = aws.glue.CatalogDatabase(
        source.database.qualified("files"), name=source.database.catalog_database, opts=opts
    )
    for table in source.database.tables:
        declare_file_tables(
            source,
            table,
            f"s3://{archive.bucket}/{folders[table]}/",
            database.name,
            opts,
        )
