"""The archive as Apache Iceberg tables on S3, in a Glue database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from components.archive.statements import Statement, table_statements
from components.config.captured_database import CapturedDatabase
from components.config.tables import CHOICE_OF_ONE_TABLE, iceberg_collisions, iceberg_table_of
from components.settings import InvalidKeysError
from components.streaming.access.grants import SinkAccess
from components.streaming.connectors.converters import BytesConverter
from components.streaming.connectors.iceberg import IcebergSinkConnector, warehouse
from components.streaming.connectors.sink import MAX_POLL_RECORDS, SinkConnector
from components.streaming.sinks.commit_time import commit_time_remark
from components.streaming.sinks.file_count import Remark
from components.streaming.sinks.protocol import MaintainedTables, SinkArgs, sink_kind
from components.streaming.sinks.s3 import SINK, S3Sink

CONTROL_TOPIC = "control-iceberg"
# They use classes of Iceberg, so they must be in its own plug-in's folder.
JARS = ("column-kinds.jar", "commit-counter.jar")
# Of the properties of snapshots that hold the offsets up to which the sink has committed.
PLACE_PREFIX = "kafka.connect.offsets."
# Of so many tables, trying each one's regular expression takes 1.5 µs of a row; 400 take 14 µs.
STATIC_ROUTES = 50
# A task uploads its tables' files one after another, and before that it may be opening the first
# of them, which reads each table: some 6 requests, to which AWS needs 20 to 60 ms each.
COMMIT_MS_OF_A_TABLE = 250
SHORTEST_COMMIT_TIMEOUT_MS = 30_000
# Of more tables than have static routes, so many are committed at the same time: a commit of a
# table is some 20 requests, during which its thread waits.
COMMIT_THREADS = 8
# More than 5 do not fit a worker of 1 GiB.
DEFAULT_TASKS = 2


@sink_kind("iceberg")
class IcebergSink(S3Sink):
    """Apache Iceberg's sink connector."""

    # A query reads every file of a table, old ones too, so they must be readable immediately.
    cold_storage_class = "GLACIER_IR"
    needs_catalog = True

    def __init__(self, args: SinkArgs) -> None:
        super().__init__(args)
        problems = [
            (
                database.key,
                f"{first} and {second} can't be archived together: both would be the Iceberg table"
                f" {database.catalog_database}.{iceberg_table_of(first)}. {CHOICE_OF_ONE_TABLE}",
            )
            for database in args.databases
            for first, second in iceberg_collisions(database.tables)
        ]
        if args.images.iceberg_plugin is None:
            problem = (
                "is required by archive.sink iceberg with this stack's images.family: the folder of"
                " Iceberg's sink in images.connect, below its plugin.path"
            )
            problems.append(("images.icebergPlugin", problem))
        if problems:
            raise InvalidKeysError(*problems)

    @cached_property
    def connector(self) -> IcebergSinkConnector:
        """The connector, with one route for each captured table."""
        archive, aws = self.args.archive, self.args.aws
        routes = self.archived_topics()
        has_many = len(routes) > STATIC_ROUTES
        return IcebergSinkConnector(
            name=SINK,
            tasks_max=archive.tasks or DEFAULT_TASKS,
            routes=routes,
            name_tables=has_many,
            control_topic=CONTROL_TOPIC,
            count_commits=True,
            separate_kinds=True,
            commit_interval_ms=archive.rotate_interval_ms,
            commit_timeout_ms=max(SHORTEST_COMMIT_TIMEOUT_MS, COMMIT_MS_OF_A_TABLE * len(routes)),
            commit_threads=COMMIT_THREADS if has_many else None,
            warehouse=warehouse(archive.prefix),
            region=aws.region,
            endpoint=aws.endpoint,
            key_converter=BytesConverter(),  # keys are used for partitioning only
            value_converter=self.args.converter,
            errors=self.errors,
            row_size=self.args.row_size,
            max_poll_records=self.args.row_size.polled_records(MAX_POLL_RECORDS),
            count_events_of=self.counted,
        )

    def remarks(self, partitions: int, fits: Callable[[SinkConnector], bool]) -> tuple[Remark, ...]:
        """Return that a commit of all tables takes longer than the interval, if it does."""
        remark = commit_time_remark(
            len(self.connector.routes), self.args.archive.rotate_interval_ms
        )
        return (remark,) if remark else ()

    @property
    def control_topics(self) -> tuple[str, ...]:
        """The topic by which the tasks agree on a commit."""
        return (CONTROL_TOPIC,)

    def access(self) -> SinkAccess:
        """Return also the groups and transactions by which the tasks agree on a commit.

        Their names end in random UUIDs; the connector gives the first parts.
        """
        usual = super().access()
        return replace(
            usual,
            groups=("cg-control-", f"{usual.group}-coord"),
            transactional_ids=("worker-", "coordinator-"),
        )

    def iam_statements(self, bucket_arn: str, database_arns: Sequence[str]) -> list[Statement]:
        """Return the rights to write objects, to read metadata back and to use the catalog."""
        statements = super().iam_statements(bucket_arn, database_arns)
        if database_arns:
            statements += table_statements(bucket_arn, self.args.archive.prefix, database_arns)
        return statements

    def jars(self) -> Mapping[str, str]:
        """Return the counter of commits and the separation of kinds."""
        folder = self.args.images.iceberg_plugin
        return {f"{folder}/{jar}": jar for jar in JARS}

    def maintained(self) -> MaintainedTables | None:
        """Return every table, with the catalog as the connector opens it."""
        folder = self.args.images.iceberg_plugin
        if folder is None:  # refused by __init__
            return None
        prefix = f"s3://{self.args.archive.bucket}/{self.args.archive.prefix}"
        catalog = {"warehouse": prefix, "client.region": self.args.aws.region}
        return MaintainedTables(
            plugin=folder,
            tables=self.archived_topics(),
            catalog=self.connector.catalog() | catalog,
            properties=self.connector.table_properties(),
            prefix=prefix,
            place_prefix=PLACE_PREFIX,
        )

    def archived_tables(self, database: CapturedDatabase) -> dict[str, str]:
        """Return the catalog's tables, as database.table."""
        catalog = database.catalog_database
        return {table: f"{catalog}.{iceberg_table_of(table)}" for table in database.tables}
