"""Apache Iceberg's sink connector: tables of Parquet files on S3 with the Glue catalog."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from components.streaming.connectors.model import environment, render
from components.streaming.connectors.sink import SinkConnector

MEBIBYTE = 1024 * 1024
# S3's smallest part of a multipart upload (but the last).
MINIMUM_PART_SIZE = 5 * MEBIBYTE

# Each open file has a buffer of a page for its compressor, used or not; all of them get this much.
# Smaller pages than SMALLEST_PAGE would not compress as well.
PAGE_BUFFERS = 64 * MEBIBYTE
SMALLEST_PAGE = 64 * 1024

CATALOG = "glue"

# The transform's name in the connector's `transforms`.
SEPARATE_KINDS = "separateKinds"

# Holds the record's topic; the sink chooses the table by it where its routes are static.
TOPIC_COLUMN = "__topic"
# Holds the record's table, where the sink chooses it by that.
TABLE_COLUMN = "__table"

# When PostgreSQL committed the change; the tables are partitioned by its hour.
SOURCE_TIME_COLUMN = "__source_ts_ms"

# From RUNNING tasks to partitions assigned and records read, and for the commit itself. Six were
# seen on an idle machine.
FIRST_COMMIT_SECONDS = 20
# An update must report a task that fails within a minute; it does not wait for a later commit.
LONGEST_SETTLE_SECONDS = 45


class IcebergSinkConnector(SinkConnector):
    """Appends each topic's records to one Iceberg table, exactly once.

    Nothing is written before the first commit, so where S3 denies writing, the tasks are RUNNING
    until then, and up watches them for that long.

    Tables are found by the topic's name, as a column: a transform that renamed the topic
    (RegexRouter) would make the sink commit offsets of topics that do not exist.
    """

    connector_class: Literal["org.apache.iceberg.connect.IcebergSinkConnector"] = Field(
        default="org.apache.iceberg.connect.IcebergSinkConnector",
        serialization_alias="connector.class",
    )
    tasks_max: int = Field(default=2, ge=1, serialization_alias="tasks.max")
    routes: Mapping[str, str] = Field(
        min_length=1, exclude=True, description="table, as database.table, of each topic"
    )

    auto_create: bool = Field(
        default=True, serialization_alias="iceberg.tables.auto-create-enabled"
    )
    evolve_schema: bool = Field(
        default=True,
        serialization_alias="iceberg.tables.evolve-schema-enabled",
        description="columns added in PostgreSQL appear in the table; int may widen to bigint",
    )
    force_optional: bool = Field(
        default=True,
        serialization_alias="iceberg.tables.schema-force-optional",
        description="a NOT NULL column dropped in PostgreSQL would stop the sink otherwise",
    )
    row_group_bytes: int = Field(
        default=16 * MEBIBYTE,
        ge=MEBIBYTE,
        exclude=True,
        description="held in memory per open file (design: parquet.block.size)",
    )
    page_bytes: int = Field(
        default=MEBIBYTE,
        ge=1024,
        exclude=True,
    )
    compression: Literal["snappy", "zstd", "gzip", "uncompressed"] = Field(
        default="snappy",
        exclude=True,
    )
    previous_metadata: int = Field(
        default=20,
        ge=1,
        exclude=True,
        description="metadata files that a table's metadata refers to in addition to its own; the"
        " maintenance deletes the others",
    )

    control_topic: str = Field(
        default="control-iceberg", serialization_alias="iceberg.control.topic"
    )
    commit_interval_ms: int = Field(
        default=60_000, ge=1000, serialization_alias="iceberg.control.commit.interval-ms"
    )
    commit_timeout_ms: int = Field(
        default=30_000, ge=1000, serialization_alias="iceberg.control.commit.timeout-ms"
    )
    commit_threads: int | None = Field(
        default=None,
        ge=1,
        serialization_alias="iceberg.control.commit.threads",
        description="tables committed at the same time; None: twice as many as the worker has CPUs",
    )

    warehouse: str = Field(pattern=r"^s3://.+", serialization_alias="iceberg.catalog.warehouse")
    region: str = Field(default="us-east-1", serialization_alias="iceberg.catalog.client.region")
    part_bytes: int = Field(
        default=MINIMUM_PART_SIZE,
        ge=MINIMUM_PART_SIZE,
        serialization_alias="iceberg.catalog.s3.multipart.part-size-bytes",
    )
    endpoint: str | None = Field(
        default=None, exclude=True, description="of an AWS stand-in; None is AWS itself"
    )

    count_commits: bool = Field(
        default=False,
        exclude=True,
        description="count the committed files and watch the tables, for the metrics; the plugin"
        " needs the reporter datapipe.iceberg.CommitCounter",
    )
    separate_kinds: bool = Field(
        default=False,
        exclude=True,
        description="give values whose type has changed a column of their own; the plugin needs"
        " the transform datapipe.iceberg.SeparateKinds",
    )
    name_tables: bool = Field(
        default=False,
        exclude=True,
        description="give each row its table's name, by which the sink chooses it, in place of a"
        " regular expression for each table; the plugin needs the transform"
        " datapipe.iceberg.NameTable",
    )
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        default="earliest", serialization_alias="consumer.override.auto.offset.reset"
    )
    fetch_max_wait_ms: int = Field(
        default=50,
        ge=1,
        serialization_alias="consumer.override.fetch.max.wait.ms",
        description="at Kafka's default of 500 the sink spent most of its time waiting",
    )

    def fixed_properties(self) -> Mapping[str, str]:
        """Topics, routes and the time column's type follow from the routes; Glue on S3."""
        # Last, as it makes the tables' columns of what it is given.
        separation = (SEPARATE_KINDS,) if self.separate_kinds else ()
        return {
            "topics": ",".join(self.routes),
            **self.transforms("sourceTime", "topic", *separation),
            **self._routing(),
            "transforms.sourceTime.type": (
                "org.apache.kafka.connect.transforms.TimestampConverter$Value"
            ),
            "transforms.sourceTime.field": SOURCE_TIME_COLUMN,
            "transforms.sourceTime.target.type": "Timestamp",
            "transforms.sourceTime.replace.null.with.default": "false",
            "iceberg.tables.default-partition-by": f"hour({SOURCE_TIME_COLUMN})",
            "iceberg.catalog": CATALOG,
            **{f"iceberg.catalog.{key}": value for key, value in self.catalog().items()},
            **{
                f"iceberg.tables.auto-create-props.{key}": value
                for key, value in self.table_properties().items()
            },
            **self._smaller_pages(),
            **self._commit_counter(),
            **self._separation(),
        }

    def table_properties(self) -> dict[str, str]:
        """Return the properties of every table, whoever creates it.

        The maintenance gives them to tables that exist.
        """
        return {
            "write.parquet.row-group-size-bytes": render(self.row_group_bytes),
            "write.parquet.page-size-bytes": render(self.page_bytes),
            "write.parquet.compression-codec": self.compression,
            # Each commit writes all of a table's metadata again.
            "write.metadata.compression-codec": "gzip",
            # The sink may not delete.
            "write.metadata.delete-after-commit.enabled": "false",
            "write.metadata.previous-versions-max": render(self.previous_metadata),
        }

    def _smaller_pages(self) -> dict[str, str]:
        """Return the size of pages where so many tables have an open file that they fill the heap.

        It is the sink's: the maintenance, which has one open file, writes pages of page_bytes.
        """
        files = max(1, self.tasks_max) * len(self.routes)
        size = max(SMALLEST_PAGE, PAGE_BUFFERS // files)
        if size >= self.page_bytes:
            return {}
        return {"iceberg.tables.write-props.write.parquet.page-size-bytes": render(size)}

    def catalog(self) -> dict[str, str]:
        """Return the catalog's properties that have no field."""
        properties = {
            "catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        }
        if self.endpoint is None:
            return properties
        return properties | {
            "s3.endpoint": self.endpoint,
            "s3.path-style-access": "true",
            "glue.endpoint": self.endpoint,
        }

    def _routing(self) -> dict[str, str]:
        """Return the properties by which the sink chooses a record's table."""
        if self.name_tables:
            return {
                "transforms.topic.type": "datapipe.iceberg.NameTable",
                "transforms.topic.routes": self._routes(),
                "transforms.topic.topic.field": TOPIC_COLUMN,
                "transforms.topic.table.field": TABLE_COLUMN,
                "iceberg.tables.dynamic-enabled": "true",
                "iceberg.tables.route-field": TABLE_COLUMN,
            }
        return {
            "transforms.topic.type": "org.apache.kafka.connect.transforms.InsertField$Value",
            "transforms.topic.topic.field": TOPIC_COLUMN,
            "transforms.topic.replace.null.with.default": "false",
            "iceberg.tables": ",".join(self.routes.values()),
            "iceberg.tables.route-field": TOPIC_COLUMN,
            **{
                f"iceberg.table.{table}.route-regex": re.escape(topic)
                for topic, table in self.routes.items()
            },
        }

    def _routes(self) -> str:
        return ",".join(f"{topic}:{table}" for topic, table in self.routes.items())

    def _separation(self) -> dict[str, str]:
        """Return the properties of the transform, which opens the sink's catalog by itself."""
        if not self.separate_kinds:
            return {}
        transform = f"transforms.{SEPARATE_KINDS}"
        catalog = {
            **self.catalog(),
            "name": CATALOG,
            "warehouse": self.warehouse,
            "client.region": self.region,
        }
        return {
            f"{transform}.type": "datapipe.iceberg.SeparateKinds",
            f"{transform}.routes": self._routes(),
            f"{transform}.partition.hour": SOURCE_TIME_COLUMN,
            **{f"{transform}.catalog.{key}": value for key, value in catalog.items()},
            **{f"{transform}.table.{key}": value for key, value in self.table_properties().items()},
        }

    def _commit_counter(self) -> dict[str, str]:
        if not self.count_commits:
            return {}
        return {
            "iceberg.catalog.metrics-reporter-impl": "datapipe.iceberg.CommitCounter",
            "iceberg.catalog.metrics-reporter.connector": self.name,
            "iceberg.catalog.metrics-reporter.tables": ",".join(self.routes.values()),
        }

    def named_topics(self) -> frozenset[str]:
        """Return what it reads, its control topic and its dead letter queue."""
        return super().named_topics() | {*self.routes, self.control_topic}

    def settle_seconds(self) -> float:
        """Until the first commit has been tried, within bounds."""
        return min(self.commit_interval_ms / 1000 + FIRST_COMMIT_SECONDS, LONGEST_SETTLE_SECONDS)

    def open_files(self, tasks: int, tables: int, partitions: int) -> int:
        """Return a file per task and table that the task's partitions can belong to."""
        return tasks * min(tables, -(-partitions // tasks))

    def file_bytes(self) -> int:
        """Return the row group; parts of an upload wait on disk."""
        return self.row_group_bytes

    @model_validator(mode="after")
    def _tables_are_apart(self) -> "IcebergSinkConnector":
        topics = Counter(self.routes.values())
        for table, count in topics.items():
            if not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", table):
                raise ValueError(
                    f"routes: {table!r} is not a valid table; allowed: DATABASE.TABLE of a-z 0-9 _"
                )
            if count > 1:
                raise ValueError(f"routes: two topics lead to {table}; give each its own table")
        return self


def warehouse(prefix: str) -> str:
    """Return the folder of all tables: `prefix` in the bucket of the worker's environment."""
    return f"s3://{environment('S3_BUCKET_NAME')}/{prefix}"
