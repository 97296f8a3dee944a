"""Our connectors have the settings of the design's JSON, except the differences listed here."""

from collections.abc import Callable
from typing import Any

import pytest

from components.config import StackConfig
from tests.unit.connectors_of_the_design import DEBEZIUM, S3_SINK
from tests.unit.streaming_stack import OWN_ICEBERG, sink_connector, source_connector

Stack = Callable[..., StackConfig]

LEFT_OUT_OF_THE_SOURCE = {
    "database.server.name": "replaced by topic.prefix in Debezium 2",
    "heartbeat.topics.prefix": "called topic.heartbeat.prefix in Debezium 2",
    "errors.deadletterqueue.topic.name": "Connect has dead letter queues for sinks only",
    "errors.deadletterqueue.topic.replication.factor": "as above",
    "errors.deadletterqueue.context.headers.enable": "as above",
}
CONVERTER = (
    "datapipe.connect.RegistryConverter",
    "wraps the design's: while the registry is away no record becomes a dead letter",
)
WRAPPED = "io.confluent.connect.avro.AvroConverter"
CHANGED_CONVERTERS = {"key.converter": CONVERTER, "value.converter": CONVERTER}
ADDED_TO_CONVERTERS = {
    f"{part}.converter.{key}": (value, reason)
    for part in ("key", "value")
    for key, value, reason in (
        ("delegate", WRAPPED, "the design's converter"),
        ("wait.ms", "90000", "below consumer.override.max.poll.interval.ms"),
        ("ignore.default.for.nullables", "true", "NULL is not the column's default"),
    )
}
CHANGED_IN_THE_SOURCE = {
    "connector.class": (
        "datapipe.postgres.ResumingConnector",
        "Debezium's, whose snapshot goes on where a worker died",
    ),
    **CHANGED_CONVERTERS,
    "snapshot.mode": ("custom", "initial would skip changes where the slot is gone"),
    "errors.tolerance": ("none", "all would drop a row that can't be converted, forever"),
    "transforms": (
        "flattenChanges,unwrap,limitRowSize,countEvents",
        "unwrap puts a column's default where the row has NULL, and drops TRUNCATE; rows that are"
        " too large are named; events are counted by table",
    ),
}
ADDED_TO_THE_SOURCE = {
    "snapshot.custom.class": ("datapipe.postgres.ContinuousSnapshotter", "see snapshot.mode"),
    "transforms.flattenChanges.type": ("datapipe.connect.FlattenChanges", "see transforms"),
    "transforms.flattenChanges.add.fields": ("op,ts_ms,source.ts_ms,source.lsn", "unwrap's"),
    "transforms.limitRowSize.type": ("datapipe.connect.LimitRowSize", "as above"),
    "transforms.limitRowSize.max.bytes": ("1048576", "kafka.maxRowSize"),
    "transforms.limitRowSize.format": ("avro", "as above"),
    "transforms.limitRowSize.topic.prefix": ("postgres.", "as above"),
    "transforms.limitRowSize.incomplete.rows": ("", "source.incompleteRows"),
    "producer.override.max.request.size": ("1048576", "kafka.maxRowSize"),
    "producer.override.buffer.memory": ("33554432", "as above"),
    "max.queue.size.in.bytes": ("10485760", "as above"),
    "skipped.operations": ("none", "Debezium skips TRUNCATE by default"),
    "transforms.countEvents.type": ("datapipe.connect.CountEvents", "for cdc_events_per_second"),
    "transforms.countEvents.checkpoint": ("source", "as above"),
    "transforms.countEvents.topic.prefix": ("postgres.", "as above"),
    "converters": ("exact", "types whose values Debezium changes, docs/TYPES.md"),
    "exact.type": ("datapipe.postgres.ExactValues", "as above"),
    "captured.tables.query": (
        "/opt/datapipe/config/captured-tables.sql",
        "a table may be replaced",
    ),
    "notification.enabled.channels": ("captured-tables", "as above"),
    "include.unknown.datatypes": ("true", "as above"),
    "message.prefix.exclude.list": (".*", "a logical message has no topic"),
    "topic.heartbeat.prefix": ("__debezium-heartbeat", "the new name"),
    "database.sslmode": ("verify-full", "design: ssl_mode require, and we have the CA"),
    "database.sslrootcert": ("/opt/datapipe/config/postgresql-ca.crt", "as above"),
    "publication.autocreate.mode": ("disabled", "the schema makes the publication"),
    "status.update.interval.ms": ("10000", "design: heartbeat_config"),
    "retriable.restart.connector.wait.ms": ("10000", "design: heartbeat_config"),
    "exactly.once.support": ("required", "each change once, also through a worker's death"),
    "transaction.boundary": ("interval", "fewer markers, docs/TUNING.md"),
    "transaction.boundary.interval.ms": ("1000", "as above"),
    "producer.override.linger.ms": ("100", "larger batches, docs/TUNING.md"),
    "producer.override.batch.size": ("131072", "as above"),
    "producer.override.transaction.timeout.ms": ("10000", "back in 12 s, not 65 s, after a death"),
    **ADDED_TO_CONVERTERS,
}
CHANGED_IN_THE_SINK = {
    **CHANGED_CONVERTERS,
    "consumer.override.max.poll.records": ("6", "rows of kafka.maxRowSize fit the worker's heap"),
}
ADDED_TO_THE_SINK = {
    "producer.override.max.request.size": ("1331200", "dead letters of the largest rows"),
    "producer.override.buffer.memory": ("33554432", "as above"),
    "rotate.schedule.interval.ms": ("60000", "rows of a quiet partition are archived, too"),
    "transforms": ("countEvents", "for data_quality_score"),
    "transforms.countEvents.type": ("datapipe.connect.CountEvents", "as above"),
    "transforms.countEvents.checkpoint": ("sink", "as above"),
    "transforms.countEvents.topic.prefix": ("postgres.", "as above"),
    "topics.dir": ("topics", "design: data_access_controls, topics/*"),
    "s3.ssea.name": ("AES256", "design: encryption SSE-S3"),
    "consumer.override.isolation.level": ("read_committed", "the source writes transactions"),
    **ADDED_TO_CONVERTERS,
}


def _expected(
    design: dict[str, str],
    left_out: dict[str, str],
    changed: dict[str, tuple[str, str]],
    added: dict[str, tuple[str, str]],
) -> dict[str, str]:
    assert set(left_out) <= set(design)
    assert set(changed) <= set(design)
    assert not set(added) & set(design)
    kept = {key: value for key, value in design.items() if key not in left_out}
    return kept | {key: value for key, (value, _reason) in (changed | added).items()}


def test_the_source_has_exactly_the_designs_properties_but_for_the_listed_ones(
    stack: Stack,
) -> None:
    expected = _expected(
        DEBEZIUM, LEFT_OUT_OF_THE_SOURCE, CHANGED_IN_THE_SOURCE, ADDED_TO_THE_SOURCE
    )
    assert source_connector(stack()).properties() == expected


def test_the_sink_has_exactly_the_designs_properties_but_for_the_listed_ones(stack: Stack) -> None:
    expected = _expected(S3_SINK, {}, CHANGED_IN_THE_SINK, ADDED_TO_THE_SINK)
    assert sink_connector(stack()).properties() == expected


def test_files_are_closed_by_the_clock_unless_each_row_must_be_archived_once(stack: Stack) -> None:
    by_clock = sink_connector(stack(archive={"rotateIntervalMs": 5000})).properties()
    assert by_clock["rotate.schedule.interval.ms"] == by_clock["rotate.interval.ms"] == "5000"
    assert by_clock["timezone"] == "UTC", "the schedule needs it"
    exact = sink_connector(stack(archive={"rotation": "record-time"})).properties()
    assert "rotate.schedule.interval.ms" not in exact
    assert exact["rotate.interval.ms"] == "60000"


def test_the_converter_gives_up_before_the_consumer_would_leave_its_group(stack: Stack) -> None:
    properties = sink_connector(stack()).properties()
    longest = int(properties["consumer.override.max.poll.interval.ms"])
    assert int(properties["value.converter.wait.ms"]) <= longest / 2


def test_without_exactly_once_the_source_writes_no_transactions(stack: Stack) -> None:
    properties = source_connector(stack(connect={"exactlyOnce": False})).properties()
    assert not {"exactly.once.support", "transaction.boundary"} & set(properties)


def test_a_table_of_another_schema_is_captured_and_archived_by_both_sinks(stack: Stack) -> None:
    tables: dict[str, Any] = {"tables": ["public.users", "sales.users"]}
    confluent = sink_connector(stack(**tables, archive={"tasks": 12})).properties()
    assert confluent["topics.regex"] == r"postgres\.(public|sales)\..*"
    iceberg = sink_connector(
        stack(**tables, images=OWN_ICEBERG, archive={"sink": "iceberg", "tasks": 2})
    ).properties()
    assert iceberg["topics"] == "postgres.public.users,postgres.sales.users"
    assert iceberg["iceberg.tables"] == "cdc.users,cdc.sales_users"
    assert iceberg["iceberg.table.cdc.sales_users.route-regex"] == r"postgres\.sales\.users"


@pytest.mark.parametrize(("tables", "named"), [(50, False), (51, True)])
def test_rows_name_their_table_where_there_are_many(stack: Stack, tables: int, named: bool) -> None:
    properties = sink_connector(
        stack(
            tables=[f"public.t{number}" for number in range(tables)],
            images=OWN_ICEBERG,
            archive={"sink": "iceberg", "tasks": 2},
        )
    ).properties()
    assert (properties["transforms.topic.type"] == "datapipe.iceberg.NameTable") is named
    assert ("iceberg.tables" in properties) is not named


def test_the_iceberg_sink_writes_under_the_prefix_of_the_bucket_in_hours_of_the_commit(
    stack: Stack,
) -> None:
    properties = sink_connector(
        stack(
            images=OWN_ICEBERG,
            archive={"sink": "iceberg", "tasks": 2},
            connect={"converter": "json"},
            aws={"endpoint": "http://10.231.0.1:5566"},
        )
    ).properties()
    assert properties["iceberg.catalog.warehouse"] == "s3://${env:S3_BUCKET_NAME}/topics"
    assert properties["iceberg.tables.default-partition-by"] == "hour(__source_ts_ms)"
    assert properties["iceberg.catalog.s3.endpoint"] == "http://10.231.0.1:5566"
    assert properties["iceberg.catalog.glue.endpoint"] == "http://10.231.0.1:5566"
    assert properties["consumer.override.isolation.level"] == "read_committed"
    assert properties["value.converter.replace.null.with.default"] == "false"


def test_no_stand_in_for_aws_is_mentioned_where_the_stack_has_none(stack: Stack) -> None:
    properties = sink_connector(
        stack(images=OWN_ICEBERG, archive={"sink": "iceberg", "tasks": 2})
    ).properties()
    assert not [key for key in properties if "endpoint" in key or "path-style" in key]


def test_values_whose_type_has_changed_are_separated_by_the_sinks_own_catalog(stack: Stack) -> None:
    properties = sink_connector(
        stack(
            images=OWN_ICEBERG,
            archive={"sink": "iceberg", "tasks": 2},
            aws={"endpoint": "http://10.231.0.1:5566"},
        )
    ).properties()
    assert properties["transforms"].split(",")[-1] == "separateKinds", "it makes the tables"
    transform = {
        key.removeprefix("transforms.separateKinds."): value
        for key, value in properties.items()
        if key.startswith("transforms.separateKinds.")
    }
    assert transform["type"] == "datapipe.iceberg.SeparateKinds"
    routes = dict(route.split(":") for route in transform["routes"].split(","))
    assert ",".join(routes) == properties["topics"]
    assert ",".join(routes.values()) == properties["iceberg.tables"]
    assert (
        f"hour({transform['partition.hour']})" == properties["iceberg.tables.default-partition-by"]
    )
    # S3's parts are those of data files; the counter counts the sink's commits.
    of_files = {"s3.multipart.part-size-bytes"}
    for ours, sinks in (
        ("catalog.", "iceberg.catalog."),
        ("table.", "iceberg.tables.auto-create-props."),
    ):
        same = {
            key.removeprefix(sinks): value
            for key, value in properties.items()
            if key.startswith(sinks) and "metrics-reporter" not in key
        }
        given = {
            key.removeprefix(ours): value
            for key, value in transform.items()
            if key.startswith(ours)
        }
        given.pop("name", None)
        assert given == {key: value for key, value in same.items() if key not in of_files}
    assert transform["catalog.name"] == properties["iceberg.catalog"]
