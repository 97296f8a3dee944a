"""What the typed connectors refuse, and how they render."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from components.config import StackConfig
from components.streaming.connectors.confluent_s3 import ConfluentS3SinkConnector
from components.streaming.connectors.converters import AvroConverter, JsonConverter
from components.streaming.connectors.debezium import (
    RESUMING_POSTGRES,
    DebeziumPostgresConnector,
    require_distinct_slots,
)
from components.streaming.connectors.errors import SinkErrors
from components.streaming.connectors.iceberg import IcebergSinkConnector
from components.streaming.connectors.model import Connector, literal_secrets
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER, MARKED_SNAPSHOTTER
from tests.unit.streaming_stack import OWN_ICEBERG, sink_connector, source_connector, topics_for

CONVERTERS = {"key_converter": JsonConverter(), "value_converter": JsonConverter()}


def source(**fields: Any) -> DebeziumPostgresConnector:
    given = {
        "name": "source",
        "hostname": "db",
        "database": "shop",
        "tables": ("public.a",),
        **CONVERTERS,
        **fields,
    }
    return DebeziumPostgresConnector(**given)


def confluent_sink(**fields: Any) -> ConfluentS3SinkConnector:
    return ConfluentS3SinkConnector(**{"name": "sink", **CONVERTERS, **fields})


def iceberg_sink(**fields: Any) -> IcebergSinkConnector:
    given = {
        "name": "sink",
        "routes": {"postgres.public.a": "cdc.a"},
        "warehouse": "s3://bucket/topics",
        **CONVERTERS,
        **fields,
    }
    return IcebergSinkConnector(**given)


def test_any_other_class_of_connector_can_be_declared() -> None:
    connector = Connector(
        name="files",
        connector_class="org.apache.kafka.connect.file.FileStreamSourceConnector",
        extra={"file": "/tmp/lines", "topic": "lines"},
    )
    assert connector.properties() == {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": "/tmp/lines",
        "topic": "lines",
    }


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("slot.name", "slot"),
        ("database.sslrootcert", "sslrootcert"),
        ("errors.tolerance", "errors.tolerance"),
        ("value.converter.schemas.enable", "value_converter.schemas_enable"),
        ("transforms", "kind"),
        ("tasks.max", "tasks_max"),
    ],
)
def test_extra_refuses_what_a_typed_field_says_whether_it_is_set_or_not(
    key: str, field: str
) -> None:
    with pytest.raises(ValidationError, match=f"{key} is set by the field {field}"):
        source(extra={key: "x"})


def test_extra_adds_properties_that_no_field_covers() -> None:
    assert source(extra={"max.batch.size": "4096"}).properties()["max.batch.size"] == "4096"


@pytest.mark.parametrize("key", ["name", "a b", "", "1=2"])
def test_extra_refuses_invalid_keys(key: str) -> None:
    with pytest.raises(ValidationError, match="is not a valid property; allowed: letters"):
        source(extra={key: "x"})


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="slot_nmae"):
        source(slot_nmae="x")


@pytest.mark.parametrize(
    "properties",
    [
        {"database.password": "hunter2"},
        {"database.password": "${env:PASSWORD}2"},
        {"value.converter.basic.auth.user.info": "admin:${env:PASSWORD}"},
        {"aws.secret.access.key": "AKIA"},
        {"iceberg.catalog.s3.access-key-id": "AKIA"},
        {"sasl.jaas.config": 'PlainLoginModule required password="x";'},
        {"schema.registry.url": "http://admin:secret@registry:8081"},
    ],
)
def test_a_literal_secret_is_refused(properties: dict[str, str]) -> None:
    assert list(literal_secrets(properties)) == list(properties)


@pytest.mark.parametrize(
    "properties",
    [
        {"database.password": "${env:PASSWORD}"},
        {"value.converter.basic.auth.user.info": "${env:USER}:${env:PASS}"},
        {"value.converter.basic.auth.credentials.source": "USER_INFO"},
        {"sasl.jaas.config": "PlainLoginModule required password='${env:PASS}';"},
        {"topic.prefix": "postgres"},
    ],
)
def test_a_reference_to_the_environment_is_no_secret(properties: dict[str, str]) -> None:
    assert not list(literal_secrets(properties))


def test_a_secret_in_extra_is_refused_without_showing_it() -> None:
    with pytest.raises(ValidationError, match="must not be a literal secret") as refused:
        source(extra={"ssl.key.password": "hunter2"})
    assert "hunter2" not in str(refused.value.errors()[0]["msg"])


def test_a_variable_that_the_worker_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\$\{env:DBZ_DB_PASSWORD\} is not in the worker's"):
        source().require_environment({"DBZ_DB_USERNAME"})
    source().require_environment({"DBZ_DB_USERNAME", "DBZ_DB_PASSWORD", "MORE"})


def test_the_source_has_one_task() -> None:
    with pytest.raises(ValidationError, match="tasks_max"):
        source(tasks_max=2)


@pytest.mark.parametrize("slot", ["Upper", "with-dash", "a" * 64, ""])
def test_a_slot_name_that_postgresql_refuses_is_refused(slot: str) -> None:
    with pytest.raises(ValidationError, match="slot"):
        source(slot=slot)


def test_two_sources_may_not_share_a_slot_of_a_server_or_a_publication_of_a_database() -> None:
    first = source(name="first")
    other = {"name": "second", "slot": "s2", "publication": "p2"}
    require_distinct_slots([first, source(**other)])
    require_distinct_slots([first, source(**{**other, "hostname": "other", "slot": first.slot})])
    with pytest.raises(ValueError, match="first and second share the slot debezium_slot"):
        require_distinct_slots([first, source(**{**other, "slot": first.slot, "database": "b"})])
    with pytest.raises(ValueError, match="share the publication dbz_publication"):
        require_distinct_slots([first, source(**{**other, "publication": first.publication})])


@pytest.mark.parametrize("publication", ["1st", "With-Dash", "a" * 64, ""])
def test_a_publication_name_that_needs_quotes_is_refused(publication: str) -> None:
    with pytest.raises(ValidationError, match="publication"):
        source(publication=publication)


def test_columns_are_made_nullable_before_the_record_is_unwrapped() -> None:
    properties = source(nullable_columns=True).properties()
    assert properties["transforms"] == "nullableColumns,unwrap"
    assert properties["transforms.nullableColumns.type"] == "datapipe.connect.NullableColumns"
    assert source().properties()["transforms"] == "unwrap"


def test_truncates_are_recorded_or_skipped() -> None:
    assert source().properties()["skipped.operations"] == "t"
    properties = source(nullable_columns=True, record_truncates=True).properties()
    assert properties["skipped.operations"] == "none"
    assert properties["transforms"] == "nullableColumns,rowOfTruncate,unwrap"
    with pytest.raises(ValidationError, match="record_truncates needs nullable_columns"):
        source(record_truncates=True)


def test_one_transform_replaces_two_and_leaves_other_records_to_unwrap() -> None:
    all_three: dict[str, Any] = {
        "nullable_columns": True,
        "record_truncates": True,
        "flatten_changes": True,
    }
    properties = source(**all_three, event_fields=("op", "source.lsn")).properties()
    assert properties["transforms"] == "flattenChanges,unwrap"
    assert properties["transforms.flattenChanges.type"] == "datapipe.connect.FlattenChanges"
    for transform in ("flattenChanges", "unwrap"):
        assert properties[f"transforms.{transform}.add.fields"] == "op,source.lsn"


@pytest.mark.parametrize("missing", [{"record_truncates": False}, {"deletes": "none"}])
def test_one_transform_does_all_that_three_do(missing: dict[str, Any]) -> None:
    all_three = {"nullable_columns": True, "record_truncates": True, "flatten_changes": True}
    with pytest.raises(ValidationError, match="flatten_changes needs record_truncates and deletes"):
        source(**{**all_three, **missing})


def resuming(**fields: Any) -> DebeziumPostgresConnector:
    ours = {"snapshot": "custom", "snapshot_class": CONTINUOUS_SNAPSHOTTER, **fields}
    return source(connector_class=RESUMING_POSTGRES, **ours)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("snapshot.max.threads", "2", "is '2'; allowed: 1"),
        ("snapshot.max.threads", "0", "is '0'; allowed: 1"),
        ("snapshot.max.threads", "auto", "is 'auto'; allowed: 1"),
        ("snapshot.max.threads", "", "is ''; allowed: 1"),
        ("snapshot.select.statement.overrides", "public.a", "must not be set"),
        ("snapshot.include.collection.list", "public.a", "must not be set"),
        ("message.key.columns", "public.a:v", "must not be set"),
        ("signal.data.collection", "public.signals", "must not be set"),
        ("signal.enabled.channels", "source,kafka", "is 'source,kafka'; allowed: source"),
    ],
)
def test_extra_refuses_what_would_miss_rows_of_an_interrupted_snapshot(
    name: str, value: str, fault: str
) -> None:
    with pytest.raises(ValidationError, match=f"{name} {fault}"):
        resuming(extra={name: value})
    assert source(extra={name: value}).properties()[name] == value, "Debezium's own class takes it"


def test_one_thread_reads_a_snapshot_that_can_go_on() -> None:
    threads = {"snapshot.max.threads": "1"}
    assert threads.items() <= resuming(extra=threads).properties().items()


def test_a_snapshot_goes_on_by_a_snapshotter_of_ours_only() -> None:
    assert resuming(snapshot_class=MARKED_SNAPSHOTTER).snapshot == "custom"
    for fields in (
        {"snapshot": "initial", "snapshot_class": None},
        {"snapshot": "never", "snapshot_class": None},
        {"snapshot_class": "example.Snapshotter"},
    ):
        with pytest.raises(ValidationError, match="do not go on with an interrupted snapshot"):
            resuming(**fields)


def test_half_of_exactly_once_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        source(exactly_once=None)


def test_verifying_the_server_needs_an_authority() -> None:
    with pytest.raises(ValidationError, match="needs sslrootcert"):
        source(sslmode="verify-full")


def test_a_part_below_s3s_smallest_is_refused_by_both_sinks() -> None:
    with pytest.raises(ValidationError, match="part_bytes"):
        confluent_sink(part_bytes=5 * 1024 * 1024 - 1)
    with pytest.raises(ValidationError, match="part_bytes"):
        iceberg_sink(part_bytes=1024)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"partition_duration_ms": 86_400_000}, "a folder per HH.*set it to 3600000"),
        ({"path_format": "'y'=YYYY/'m'=MM/'d'=dd"}, "a folder per dd.*set it to 86400000"),
        ({"path_format": "'y'=YYYY/'d'=dd"}, "without a gap"),
        ({"path_format": "'HH'"}, "without a gap"),
        ({"path_format": "YYYY/MM"}, "without a gap"),
        ({"rotate_interval_ms": 3_600_001}, "no file lives longer than its folder"),
        ({"timestamp_extractor": "RecordField"}, "go together"),
        ({"encryption": "aws:kms"}, "go together"),
    ],
)
def test_times_and_choices_of_the_confluent_sink_must_agree(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        confluent_sink(**fields)


def test_a_day_per_folder_is_allowed_where_all_agrees() -> None:
    by_day = confluent_sink(
        path_format="'y'=YYYY/'m'=MM/'d'=dd",
        partition_duration_ms=86_400_000,
        rotate_interval_ms=3_600_001,
    )
    assert by_day.properties()["partition.duration.ms"] == "86400000"


def test_two_topics_may_not_lead_to_one_table() -> None:
    with pytest.raises(ValidationError, match=r"two topics lead to cdc\.a"):
        iceberg_sink(routes={"postgres.public.a": "cdc.a", "postgres.sales.a": "cdc.a"})


def test_a_table_name_that_glue_refuses_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a valid table; allowed: DATABASE"):
        iceberg_sink(routes={"postgres.public.a": "cdc.A-b"})


def test_more_tasks_than_partitions_are_refused(stack: Callable[..., StackConfig]) -> None:
    with pytest.raises(ValueError, match="25 tasks share 24 partitions, so 1 would idle"):
        sink_connector(stack(archive={"tasks": 25}))


def test_a_dead_letter_queue_on_more_brokers_than_there_are_is_refused() -> None:
    sink = confluent_sink(errors=SinkErrors(dead_letter_replication=3))
    with pytest.raises(ValueError, match="3 is above the 1 brokers"):
        sink.require_brokers(1)


@pytest.mark.parametrize("sink", ["confluent-s3", "iceberg"])
def test_the_stacks_connectors_find_all_their_topics(
    stack: Callable[..., StackConfig], sink: str
) -> None:
    config = stack(
        archive={"sink": sink, "tasks": 2}, connect={"converter": "json"}, images=OWN_ICEBERG
    )
    topics = {topic.name for topic in topics_for(config)}
    for connector in (source_connector(config), sink_connector(config)):
        connector.require_topics(topics)


@pytest.mark.parametrize(
    ("connector", "missing"),
    [
        (source(), "__debezium-heartbeat.postgres"),
        (source(heartbeat_interval_ms=0), "postgres.transaction"),
        (source(heartbeat_interval_ms=0, transaction_metadata=False), "postgres.public.a"),
        (confluent_sink(), "s3-sink-dlq"),
        (iceberg_sink(), "control-iceberg"),
        (iceberg_sink(control_topic="s3-sink-dlq"), "postgres.public.a"),
    ],
)
def test_a_topic_that_the_stack_does_not_have_is_refused(
    connector: Connector, missing: str
) -> None:
    others = connector.named_topics() - {missing}
    with pytest.raises(ValueError, match=f"the stack has no topic {missing}, and topics"):
        connector.require_topics(others)


def test_an_expression_that_matches_no_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="matches no topic of the stack"):
        confluent_sink(topics_regex="shop.*").require_topics({"s3-sink-dlq", "postgres.public.a"})


def test_avro_takes_the_registrys_credentials_from_the_environment() -> None:
    avro = AvroConverter(schema_registry_url="http://registry:8081")
    assert avro.properties("value.converter") == {
        "value.converter": "datapipe.connect.RegistryConverter",
        "value.converter.delegate": "io.confluent.connect.avro.AvroConverter",
        "value.converter.wait.ms": "90000",
        "value.converter.schema.registry.url": "http://registry:8081",
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": "${env:SCHEMA_AUTH_USER}:${env:SCHEMA_AUTH_PASS}",
        "value.converter.ignore.default.for.nullables": "true",
    }


def test_rendering_stays_linear_for_a_thousand_tables() -> None:
    routes = {f"postgres.public.t{n}": f"cdc.t{n}" for n in range(1000)}
    properties = iceberg_sink(routes=routes).properties()
    assert len([key for key in properties if key.endswith(".route-regex")]) == 1000


@pytest.mark.parametrize(
    ("tables", "tasks", "kibibytes"),
    [(4, 1, None), (64, 1, None), (65, 1, 1008), (32, 2, None), (400, 1, 163), (400, 4, 64)],
)
def test_the_pages_of_all_open_files_together_are_bounded(
    tables: int, tasks: int, kibibytes: int | None
) -> None:
    """An open file holds a page's size for its compressor; 400 of 1 MiB filled a worker's heap."""
    routes = {f"postgres.public.t{n}": f"cdc.t{n}" for n in range(tables)}
    properties = iceberg_sink(routes=routes, tasks_max=tasks).properties()
    size = properties.get("iceberg.tables.write-props.write.parquet.page-size-bytes")
    assert (size and int(size) // 1024) == kibibytes
    created = properties["iceberg.tables.auto-create-props.write.parquet.page-size-bytes"]
    assert int(created) == 1024 * 1024, "of the maintenance, which has one open file"


def test_rows_that_name_their_table_need_no_regular_expressions() -> None:
    routes = {f"postgres.public.t{n}": f"cdc.t{n}" for n in range(1000)}
    properties = iceberg_sink(routes=routes, name_tables=True).properties()
    assert not [key for key in properties if "route-regex" in key]
    assert "iceberg.tables" not in properties, "the sink refuses both"
    assert properties["iceberg.tables.dynamic-enabled"] == "true"
    assert properties["iceberg.tables.route-field"] == properties["transforms.topic.table.field"]
    named = dict(route.split(":") for route in properties["transforms.topic.routes"].split(","))
    assert named == routes
    assert properties["transforms.topic.topic.field"] == "__topic"
    static = iceberg_sink(routes=routes).properties()
    assert static["transforms"] == properties["transforms"]
    assert "iceberg.tables.dynamic-enabled" not in static
