"""Debezium's PostgreSQL connector (design: "Debezium CDC Connector")."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from pydantic import Field, model_validator

from components.streaming.connectors.batching import FEW_PARTITIONS
from components.streaming.connectors.converters import Converter
from components.streaming.connectors.counting import COUNT_EVENTS, CountedTopics, count_events
from components.streaming.connectors.errors import SourceErrors
from components.streaming.connectors.existing_rows import require_all_rows
from components.streaming.connectors.model import Connector, environment, render
from components.streaming.connectors.row_limit import LIMIT_ROW_SIZE, limit_row_size
from components.streaming.connectors.waiting_reads import waiting_reads
from kafka_connect.positions import SHIFT, SHIFT_POSITION, SHIFTED_BY
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER, MARKED_SNAPSHOTTER

# Parts of Debezium's envelope that can be kept as columns `__op`, `__source_ts_ms` and so on.
EventField = Literal[
    "op", "ts_ms", "source.ts_ms", "source.lsn", "source.txId", "source.schema", "source.table"
]

DEBEZIUM_POSTGRES: Final = "io.debezium.connector.postgresql.PostgresConnector"
# Our own subclass (java/values), which goes on with the reading of rows where a worker died.
RESUMING_POSTGRES: Final = "datapipe.postgres.ResumingConnector"
CAPTURING_CLASSES = frozenset({DEBEZIUM_POSTGRES, RESUMING_POSTGRES})
NULLABLE_COLUMNS: Final = "datapipe.connect.NullableColumns"
ROW_OF_TRUNCATE: Final = "datapipe.connect.RowOfTruncate"
FLATTEN_CHANGES: Final = "datapipe.connect.FlattenChanges"
# Debezium's channels of notifications, and our own (java/values), which watches the tables.
CHANNELS: Final = "notification.enabled.channels"
CAPTURED_TABLES: Final = "captured-tables"
# PostgreSQL's limit of a slot's name.
LONGEST_SLOT_NAME = 63


class DebeziumPostgresConnector(Connector):
    """Captures the row changes of tables; one flat record per change, one topic per table."""

    connector_class: Literal[
        "io.debezium.connector.postgresql.PostgresConnector", "datapipe.postgres.ResumingConnector"
    ] = Field(
        default=DEBEZIUM_POSTGRES,
        serialization_alias="connector.class",
        description="ours goes on with an interrupted snapshot, and needs our own snapshot_class;"
        " the worker needs values.jar in Debezium's folder",
    )
    tasks_max: Literal[1] = Field(
        default=1,
        serialization_alias="tasks.max",
        description="a replication slot has one reader",
    )

    hostname: str = Field(min_length=1, serialization_alias="database.hostname")
    port: int = Field(default=5432, ge=1, le=65535, serialization_alias="database.port")
    user: str = Field(default=environment("DBZ_DB_USERNAME"), serialization_alias="database.user")
    password: str = Field(
        default=environment("DBZ_DB_PASSWORD"), serialization_alias="database.password"
    )
    database: str = Field(min_length=1, serialization_alias="database.dbname")
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="require", serialization_alias="database.sslmode"
    )
    sslrootcert: str | None = Field(
        default=None,
        serialization_alias="database.sslrootcert",
        description="path in the worker of the CA that verify-ca and verify-full check against",
    )

    topic_prefix: str = Field(
        default="postgres", pattern=r"^[a-zA-Z0-9_-]+$", serialization_alias="topic.prefix"
    )
    tables: tuple[str, ...] = Field(min_length=1, serialization_alias="table.include.list")
    slot: str = Field(
        default="debezium_slot", pattern=r"^[a-z0-9_]{1,63}$", serialization_alias="slot.name"
    )
    publication: str = Field(
        default="dbz_publication",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        serialization_alias="publication.name",
    )
    publication_autocreate: Literal["disabled", "all_tables", "filtered"] = Field(
        default="disabled",
        serialization_alias="publication.autocreate.mode",
        description="disabled: the schema makes the publication; debezium owns no table",
    )
    snapshot: Literal["initial", "always", "never", "initial_only", "custom"] = Field(
        default="initial", serialization_alias="snapshot.mode"
    )
    snapshot_class: str | None = Field(
        default=None,
        serialization_alias="snapshot.custom.class",
        description="where snapshot is custom, the class that decides what is read. Ours refuses to"
        " go on where changes are missing; the worker needs values.jar in Debezium's folder",
    )
    position_shift: int = Field(
        default=0,
        ge=0,
        exclude=True,
        description="added to the records' positions in the WAL, as another server began with lower"
        " ones; the worker needs the transform datapipe.connect.ShiftPosition",
    )
    event_fields: tuple[EventField, ...] = Field(
        default=("op", "ts_ms", "source.ts_ms", "source.lsn"),
        serialization_alias="transforms.unwrap.add.fields",
    )
    nullable_columns: bool = Field(
        default=False,
        exclude=True,
        description="let every column of a record's schema be null, without a default, so that NULL"
        " stays NULL; the worker needs the transform datapipe.connect.NullableColumns",
    )
    record_truncates: bool = Field(
        default=False,
        exclude=True,
        description="a TRUNCATE is a record with __op t whose columns are all NULL; needs"
        " nullable_columns, and the worker the transform datapipe.connect.RowOfTruncate",
    )
    flatten_changes: bool = Field(
        default=False,
        exclude=True,
        description="make columns nullable, keep truncates and flatten records in one transform,"
        " which costs less than three; needs nullable_columns, record_truncates and deletes:"
        " rewrite, and the worker the transform datapipe.connect.FlattenChanges",
    )
    excluded_columns: tuple[str, ...] | None = Field(
        default=None,
        serialization_alias="column.exclude.list",
        description="regular expressions of columns, as schema.table.column, that are not captured",
    )
    unknown_types: bool = Field(
        default=True,
        serialization_alias="include.unknown.datatypes",
        description="false would leave out columns of types that Debezium does not know; their text"
        " is kept by exact_values_class",
    )
    exact_values_class: str = Field(
        default="datapipe.postgres.ExactValues",
        serialization_alias="exact.type",
        description="the converter of the types whose values Debezium changes or leaves out; the"
        " worker needs values.jar in Debezium's folder",
    )
    ignored_messages: str = Field(
        default=".*",
        serialization_alias="message.prefix.exclude.list",
        description="prefixes of logical messages that are not captured: any role in the database"
        " may send one, and they have no topic",
    )
    captured_tables_query: str | None = Field(
        default=None,
        serialization_alias="captured.tables.query",
        description="path in the worker of a query that finds tables that no longer are what is"
        " captured, for the metrics; the worker needs values.jar in Debezium's folder",
    )
    waits_for: str | None = Field(
        default=None,
        exclude=True,
        description="the archive's sink; while it has yet to read half of what a topic keeps, no"
        " more existing rows are read. The worker needs values.jar in Debezium's folder",
    )
    brokers: Mapping[str, str] = Field(
        default={},
        exclude=True,
        description="properties of a Kafka client, by which waits_for is looked up",
    )
    count_events: bool = Field(
        default=False,
        exclude=True,
        description="count the events by table and operation, for the metrics; the worker needs"
        " the transform datapipe.connect.CountEvents",
    )
    label: str | None = Field(
        default=None,
        serialization_alias="captured.tables.source",
        description="the source's name in the metrics of its tables; the worker needs values.jar in"
        " Debezium's folder",
    )
    deletes: Literal["rewrite", "drop", "none"] = Field(
        default="rewrite",
        serialization_alias="transforms.unwrap.delete.handling.mode",
        description="rewrite: a delete is the row's last content with __deleted=true",
    )
    decimals: Literal["string", "precise", "double"] = Field(
        default="string", serialization_alias="decimal.handling.mode"
    )
    time_precision: Literal["adaptive_time_microseconds", "adaptive", "connect"] = Field(
        default="adaptive_time_microseconds", serialization_alias="time.precision.mode"
    )
    max_row_bytes: int | None = Field(
        default=None,
        ge=1,
        serialization_alias="producer.override.max.request.size",
        description="the size of the largest record; for a larger row the task fails with its table"
        " and key. Needs nullable_columns, and the worker the transform"
        " datapipe.connect.LimitRowSize",
    )
    incomplete_rows: tuple[str, ...] = Field(
        default=(),
        exclude=True,
        description="rows above max_row_bytes, as table/digest, that pass without their largest"
        " values",
    )
    buffer_bytes: int | None = Field(
        default=None, ge=1, serialization_alias="producer.override.buffer.memory"
    )
    queue_bytes: int | None = Field(
        default=None,
        ge=1,
        serialization_alias="max.queue.size.in.bytes",
        description="bounds the queue where its records are large",
    )
    heartbeat_interval_ms: int = Field(
        default=30_000,
        ge=0,
        serialization_alias="heartbeat.interval.ms",
        description="keeps the slot moving while the captured tables are quiet",
    )
    heartbeat_query: str | None = Field(
        default=None,
        serialization_alias="heartbeat.action.query",
        description="run with each heartbeat, so that the slot moves while the server's other"
        " databases write",
    )
    status_interval_ms: int = Field(
        default=10_000,
        ge=1,
        serialization_alias="status.update.interval.ms",
        description="how often the confirmed position of the slot is sent to the database",
    )
    restart_delay_ms: int = Field(
        default=10_000,
        ge=1,
        serialization_alias="retriable.restart.connector.wait.ms",
        description="before the task is started again after a lost connection",
    )
    heartbeat_prefix: str = Field(
        default="__debezium-heartbeat", serialization_alias="topic.heartbeat.prefix"
    )
    transaction_metadata: bool = Field(
        default=True, serialization_alias="provide.transaction.metadata"
    )

    exactly_once: Literal["required", "requested"] | None = Field(
        default="required", serialization_alias="exactly.once.support"
    )
    transaction_boundary: Literal["poll", "interval", "connector"] | None = Field(
        default="interval",
        serialization_alias="transaction.boundary",
        description="a transaction costs a marker in every partition that it wrote to, three times"
        " over: docs/TUNING.md",
    )
    transaction_interval_ms: int | None = Field(
        default=FEW_PARTITIONS.transaction_interval_ms,
        ge=1,
        serialization_alias="transaction.boundary.interval.ms",
        description="how long readers wait for a record at most, where the boundary is interval",
    )
    transaction_timeout_ms: int | None = Field(
        default=FEW_PARTITIONS.transaction_timeout_ms,
        ge=1000,
        serialization_alias="producer.override.transaction.timeout.ms",
        description="after a worker's death its open transaction blocks readers this long",
    )
    linger_ms: int = Field(
        default=FEW_PARTITIONS.linger_ms,
        ge=0,
        serialization_alias="producer.override.linger.ms",
        description="records spread over many partitions: at the worker's 10 ms a batch held a few",
    )
    batch_bytes: int = Field(
        default=FEW_PARTITIONS.batch_bytes,
        ge=1024,
        serialization_alias="producer.override.batch.size",
        description="with the linger a third of the brokers' CPU a record: docs/TUNING.md",
    )
    key_converter: Converter = Field(serialization_alias="key.converter")
    value_converter: Converter = Field(serialization_alias="value.converter")
    errors: SourceErrors = Field(default=SourceErrors(), serialization_alias="errors.")

    drop_slot: bool = Field(
        default=False,
        exclude=True,
        description="drop the replication slot and the publication when the connector is deleted,"
        " and forget its offsets; changes that were not captured yet are then lost to it",
    )

    def fixed_properties(self) -> Mapping[str, str]:
        """Logical decoding built into PostgreSQL, and records unwrapped from their envelope.

        Unwrapping puts a column's default where the row has NULL, and so does Iceberg's sink; no
        setting of theirs changes it, so the defaults must be gone from the schema before.
        """
        before = self._before_unwrapping()
        limit = self._limit_row_size()
        after = [LIMIT_ROW_SIZE] * bool(limit) + [COUNT_EVENTS] * self.count_events
        return {
            "plugin.name": "pgoutput",
            "converters": "exact",
            **({CHANNELS: CAPTURED_TABLES} if self.captured_tables_query else {}),
            **(waiting_reads(self.waits_for, self.brokers) if self.waits_for else {}),
            "skipped.operations": "none" if self.record_truncates else "t",
            "transforms": ",".join([*before, "unwrap", *after]),
            **{f"transforms.{name}.type": kind for name, kind in before.items()},
            **({SHIFTED_BY: str(self.position_shift)} if self.position_shift else {}),
            **self._flat_columns(),
            "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
            "transforms.unwrap.drop.tombstones": "true",
            **limit,
            **(count_events("source", self._counted()) if self.count_events else {}),
        }

    def _counted(self) -> CountedTopics:
        return CountedTopics(self.topic_prefix, self.label)

    def _before_unwrapping(self) -> dict[str, str]:
        """Return the class of each of our transforms that reads Debezium's envelope."""
        shift = {SHIFT: SHIFT_POSITION} if self.position_shift else {}
        if self.flatten_changes:
            return {**shift, "flattenChanges": FLATTEN_CHANGES}
        return {
            **shift,
            **({"nullableColumns": NULLABLE_COLUMNS} if self.nullable_columns else {}),
            **({"rowOfTruncate": ROW_OF_TRUNCATE} if self.record_truncates else {}),
        }

    def _flat_columns(self) -> dict[str, str]:
        if not self.flatten_changes:
            return {}
        return {"transforms.flattenChanges.add.fields": render(self.event_fields)}

    def _limit_row_size(self) -> dict[str, str]:
        if self.max_row_bytes is None:
            return {}
        return limit_row_size(
            self.max_row_bytes, self.value_converter, self.topic_prefix, self.incomplete_rows
        )

    def topics(self) -> tuple[str, ...]:
        """Return the topics of the captured tables, in their order."""
        return tuple(f"{self.topic_prefix}.{table}" for table in self.tables)

    def named_topics(self) -> frozenset[str]:
        """Return the topics of the tables, of heartbeats and of transactions."""
        heartbeat = [f"{self.heartbeat_prefix}.{self.topic_prefix}"]
        transactions = [f"{self.topic_prefix}.transaction"] if self.transaction_metadata else []
        return frozenset(
            [*self.topics(), *(heartbeat if self.heartbeat_interval_ms else []), *transactions]
        )

    @model_validator(mode="after")
    def _exactly_once_is_whole(self) -> "DebeziumPostgresConnector":
        given = (self.exactly_once, self.transaction_boundary, self.transaction_timeout_ms)
        if any(part is None for part in given) and any(part is not None for part in given):
            raise ValueError(
                "exactly_once, transaction_boundary and transaction_timeout_ms go together:"
                " set all of them, or none for at-least-once"
            )
        return self

    @model_validator(mode="after")
    def _missing_values_may_be_null(self) -> "DebeziumPostgresConnector":
        if self.record_truncates and not self.nullable_columns:
            raise ValueError("record_truncates needs nullable_columns: a TRUNCATE has no values")
        if self.max_row_bytes is not None and not self.nullable_columns:
            raise ValueError("max_row_bytes needs nullable_columns: a value may be left out")
        return self

    @model_validator(mode="after")
    def _custom_snapshot_has_its_class(self) -> "DebeziumPostgresConnector":
        if (self.snapshot == "custom") != (self.snapshot_class is not None):
            raise ValueError("snapshot custom and snapshot_class go together: set both, or neither")
        return self

    @model_validator(mode="after")
    def _an_interrupted_snapshot_goes_on(self) -> "DebeziumPostgresConnector":
        if self.connector_class != RESUMING_POSTGRES:
            return self
        ours = (CONTINUOUS_SNAPSHOTTER, MARKED_SNAPSHOTTER)
        if self.snapshot_class not in ours:
            raise ValueError(
                f"connector_class {RESUMING_POSTGRES} needs snapshot: custom and snapshot_class:"
                f" {' or '.join(ours)}; others do not go on with an interrupted snapshot"
            )
        require_all_rows(self.extra)
        return self

    @model_validator(mode="after")
    def _one_transform_does_what_three_do(self) -> "DebeziumPostgresConnector":
        if self.flatten_changes and not (self.record_truncates and self.deletes == "rewrite"):
            raise ValueError("flatten_changes needs record_truncates and deletes: rewrite")
        return self

    @model_validator(mode="after")
    def _authority_is_given(self) -> "DebeziumPostgresConnector":
        if self.sslmode.startswith("verify") and not self.sslrootcert:
            raise ValueError(f"sslmode {self.sslmode} needs sslrootcert, the CA's path")
        return self


def require_distinct_slots(connectors: Iterable[DebeziumPostgresConnector]) -> None:
    """Raise ValueError where two connectors would read one slot or one publication.

    A slot's name is unique in its server, a publication's in its database.
    """
    seen: dict[tuple[object, ...], str] = {}
    for connector in connectors:
        server = (connector.hostname, connector.port)
        uses = {
            ("slot", connector.slot): server,
            ("publication", connector.publication): (*server, connector.database),
        }
        for (kind, name), place in uses.items():
            other = seen.setdefault((kind, name, *place), connector.name)
            if other != connector.name:
                raise ValueError(
                    f"connectors {other} and {connector.name} share the {kind} {name}; give each"
                    " its own"
                )
