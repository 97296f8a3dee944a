"""SQL over the archive with Athena as one component."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from archive_views.athena import (
    AthenaDatabases,
    AthenaTable,
    Statement,
    StatementTooLongError,
    statements,
    view_names,
)
from archive_views.views import EVENTS
from components.archive.athena.catalog import StoredColumns, catalog_columns
from components.archive.athena.files import ALL_SUFFIX, declare_file_tables
from components.archive.athena.reader import Readable, reader_policy, reader_trust
from components.archive.athena.workgroup import declare_workgroup
from components.config import StackConfig
from components.config.archive import ArchiveSettings
from components.config.athena import READER_SUFFIX, VIEWS_SUFFIX, AthenaSettings
from components.config.captured_database import CapturedDatabase
from components.config.tables import iceberg_table_of

Columns = Mapping[str, Sequence[Sequence[str]]]
Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class AthenaArgs:
    """What the views and their readers are made of."""

    archive: ArchiveSettings
    catalog_database: str
    athena: AthenaSettings
    bucket: pulumi.Output[str]
    source_database: str
    """PostgreSQL's, for s3_cdc_events"""
    folders: Mapping[str, str] | None
    """of each captured table's files; None: the archive has Iceberg tables"""
    tables: tuple[str, ...]
    """captured, as schema.table"""
    columns: pulumi.Output[dict[str, list[list[str]]]]
    """each table's (name, PostgreSQL's type)"""
    keys: pulumi.Output[dict[str, list[str]]]
    """columns of each table's primary key"""
    stored: StoredColumns
    """the catalog's columns of the tables that it has"""


def declare_athena(
    config: StackConfig,
    *,
    bucket: pulumi.Output[str],
    archived: Callable[[CapturedDatabase], Mapping[str, str]] | None,
    columns: Mapping[str, pulumi.Output[dict[str, list[list[str]]]]],
    keys: Mapping[str, pulumi.Output[dict[str, list[str]]]],
    opts: pulumi.ResourceOptions,
) -> "Athena | None":
    """Declare what `archive.athena` asks for; None where the stack has no such key.

    `archived` says in which folder each table's files are; None: the archive has Iceberg tables.
    `columns` and `keys` are those of each database, by its name.
    """
    if config.archive.athena is None:
        return None
    (database,) = config.databases  # the configuration refuses several
    folders = archived(database) if archived else None
    args = AthenaArgs(
        archive=config.archive,
        catalog_database=database.catalog_database,
        athena=config.archive.athena,
        bucket=bucket,
        source_database=database.settings.database,
        folders=folders,
        tables=database.tables,
        columns=columns[database.name],
        keys=keys[database.name],
        stored=(catalog_columns(config.aws, database.catalog_database) if folders is None else {}),
    )
    return Athena("athena", args, opts)


class Athena(pulumi.ComponentResource):
    """A workgroup, the reader's role, and a named query for each view."""

    workgroup: pulumi.Output[str]
    views_database: pulumi.Output[str]
    reader_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AthenaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("datapipe:archive:Athena", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        views = aws.glue.CatalogDatabase(
            "views", name=f"{args.catalog_database}{VIEWS_SUFFIX}", opts=child
        )
        workgroup = declare_workgroup(args.archive, args.athena, child)
        if args.folders is not None:
            _declare_files(args, args.folders, child)
        _declare_queries(args, workgroup, views, child)
        self.workgroup = workgroup.name
        self.views_database = views.name
        self.reader_arn = _declare_reader(args, views, child)
        self.register_outputs({"workgroup": self.workgroup, "readerArn": self.reader_arn})


def _declare_reader(
    args: AthenaArgs, views: aws.glue.CatalogDatabase, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the ARN of the role that the stack's readers may take on."""
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
        policy=views.arn.apply(
            lambda arn: json.dumps(reader_policy(args.archive, args.athena, _readable(args, arn)))
        ),
        opts=opts,
    )
    aws.iam.RolePolicyAttachment("reader-role", role=role.name, policy_arn=policy.arn, opts=opts)
    arn: pulumi.Output[str] = role.arn
    return arn


def _readable(args: AthenaArgs, views_arn: str) -> Readable:
    _, partition, _, region, account, _ = views_arn.split(":", 5)
    archive = args.catalog_database
    return Readable(
        account=account,
        region=region,
        partition=partition,
        databases=(archive, f"{archive}{VIEWS_SUFFIX}"),
        workgroup=args.archive.bucket,
    )


def _declare_files(
    args: AthenaArgs, folders: Mapping[str, str], opts: pulumi.ResourceOptions
) -> None:
    database = aws.glue.CatalogDatabase("files", name=args.catalog_database, opts=opts)
    for table in args.tables:
        declare_file_tables(
            iceberg_table_of(table),
            f"s3://{args.archive.bucket}/{folders[table]}/",
            database.name,
            args.columns.apply(partial(_pairs_of, table)),
            opts,
        )


def _declare_queries(
    args: AthenaArgs,
    workgroup: aws.athena.Workgroup,
    views: aws.glue.CatalogDatabase,
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare a named query for each statement."""
    names = view_names(map(iceberg_table_of, args.tables)).values()
    made = pulumi.Output.all(args.columns, args.keys).apply(
        lambda known: {
            one.name: {"meaning": one.meaning, "sql": one.sql}
            for one in _statements(args, known[0], known[1])
        }
    )
    for name in (*(name for table in names for name in table), EVENTS):
        aws.athena.NamedQuery(
            f"query-{name}",
            name=name,
            workgroup=workgroup.id,
            database=views.name,
            description=made.apply(partial(_part, name, "meaning")),
            query=made.apply(partial(_part, name, "sql")),
            opts=opts,
        )


def _statements(args: AthenaArgs, columns: Columns, keys: Keys) -> Sequence[Statement]:
    archive = args.catalog_database
    databases = AthenaDatabases(archive, f"{archive}{VIEWS_SUFFIX}", args.source_database)
    tables = [_table(args, table, columns, keys) for table in args.tables]
    try:
        return statements(tables, databases)
    except StatementTooLongError as error:
        raise pulumi.RunError(str(error)) from None


def _table(args: AthenaArgs, table: str, columns: Columns, keys: Keys) -> AthenaTable:
    if table not in columns and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(f"archive.athena: PostgreSQL did not describe {table}; run up again")
    name, key = iceberg_table_of(table), keys.get(table)
    of_files = args.folders is not None
    return AthenaTable(
        title=table,
        name=name,
        archived_name=f"{name}{ALL_SUFFIX}" if of_files else name,
        declared=tuple(_pairs(columns.get(table, ()))),
        key=None if key is None else tuple(key),
        stored=None if of_files else args.stored.get(name),
        milliseconds=of_files,
        guarded=not of_files,
    )


def _part(name: str, part: str, made: Mapping[str, Mapping[str, str]]) -> str:
    return made[name][part]


def _pairs_of(table: str, columns: Columns) -> list[tuple[str, str]]:
    return _pairs(columns.get(table, ()))


def _pairs(columns: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    return [(name, type_) for name, type_ in columns]
