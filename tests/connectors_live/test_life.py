"""A connector's whole life through the real engine, on a real worker, with real Debezium.

One life: each test goes on where the one before ended.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from kafka_connect.status import Status
from tests.connectors_live.worker_site import Program, Site

# The name of connector, slot, publication, table and topics.
NAME = "life_test"
TOPICS = (f"{NAME}.public.{NAME}", f"__debezium-heartbeat.{NAME}")
UPDATE = "~ pulumi-python:dynamic/kafka:Connector: (update)"
# A changed property in what `pulumi preview --diff` prints.
CHANGE = re.compile(r"~ ([\w.]+) *: (\".*\" => \".*\")")


@pytest.fixture(scope="module", autouse=True)
def table(site: Site, program: Program) -> Iterator[None]:
    """A table with a publication and topics; all traces of it are removed in the end."""
    with suppress(psycopg.errors.UndefinedObject):
        site.connection.execute(f"DROP PUBLICATION {NAME}")
    site.connection.execute(f"DROP TABLE IF EXISTS {NAME}")
    site.connection.execute(f"CREATE TABLE {NAME} (id INT PRIMARY KEY)")
    site.connection.execute(f"INSERT INTO {NAME} VALUES (1)")  # noqa: S608
    site.connection.execute(f"GRANT SELECT ON {NAME} TO debezium")
    site.connection.execute(f"CREATE PUBLICATION {NAME} FOR TABLE {NAME}")
    site.make_topics(*TOPICS)
    yield
    program.declare_nothing()
    program.up(check=False)
    site.forget(NAME)
    site.connection.execute(f"DROP PUBLICATION IF EXISTS {NAME}")
    site.connection.execute(f"DROP TABLE {NAME}")
    site.delete_topics(*TOPICS)


@pytest.fixture
def fields(site: Site) -> dict[str, Any]:
    """The connector's."""
    return site.source(NAME, NAME)


def position(site: Site) -> int:
    """Return how far the connector has read PostgreSQL's log."""
    (entry,) = site.connect().offsets(NAME)
    return int(entry["offset"]["lsn"])


def status(site: Site) -> Status:
    return Status.from_response(site.connect().status(NAME))


def test_preview_refuses_what_the_worker_refuses(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields | {"extra": {"max.batch.size": "many"}})
    refused = program.preview(check=False)
    assert refused.code != 0
    assert f"{NAME}: validated on the Kafka Connect worker" in refused.output
    assert "max.batch.size: " in refused.output
    assert NAME not in site.slots()


def test_up_waits_until_the_connector_and_its_task_run(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields)
    up = program.up()
    assert f"{NAME}: connector RUNNING, 1 of 1 tasks RUNNING" in up.output
    assert status(site).running
    assert NAME in site.slots()
    assert "unchanged" in program.up().output


def test_a_changed_property_is_shown_alone_and_changed_in_place(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields | {"heartbeat_interval_ms": 20_000})
    preview = program.preview().output
    assert UPDATE in preview
    assert CHANGE.findall(preview) == [("heartbeat.interval.ms", '"30000" => "20000"')]
    program.up()
    assert site.connect().config(NAME)["heartbeat.interval.ms"] == "20000"
    assert status(site).running


def test_a_changed_secret_is_shown_by_its_name_and_never_by_its_value(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields | {"password": "${env:S3_BUCKET_NAME}"})
    preview = program.preview().output
    assert (
        "database.password",
        '"${env:DBZ_DB_PASSWORD}" => "${env:S3_BUCKET_NAME}"',
    ) in CHANGE.findall(preview)
    state = program.project.pulumi("stack", "export").output
    assert NAME in state
    assert site.debezium_password() not in preview + state


def test_states_are_reached_and_offsets_reset_while_stopped(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields, state="PAUSED")
    program.up()
    assert status(site) == Status("PAUSED", ("PAUSED",), ())
    assert site.connect().offsets(NAME)

    program.declare("source", fields, state="STOPPED", reset_offsets="once")
    up = program.up()
    assert f"{NAME}: offset before the reset: server={NAME}: " in up.output
    assert status(site) == Status("STOPPED", (), ())
    assert site.connect().offsets(NAME) == []

    program.declare("source", fields, reset_offsets="once")
    program.up()
    assert status(site).running
    assert site.connect().offsets(NAME), "its rows have been read again"


def test_refresh_finds_what_was_changed_paused_and_deleted_by_hand_and_up_repairs_it(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields)
    program.up()
    connect = site.connect()
    connect.put(NAME, connect.config(NAME) | {"poll.interval.ms": "750"})
    connect.pause(NAME)
    assert "1 updated" in program.refresh().output
    drift = program.preview().output
    assert re.search(r'- poll\.interval\.ms *: "750"', drift)
    assert CHANGE.findall(drift) == [("state", '"PAUSED" => "RUNNING"')]
    program.up()
    assert status(site).running
    assert "poll.interval.ms" not in connect.config(NAME)

    connect.delete(NAME)
    assert "1 deleted" in program.refresh().output
    assert "1 created" in program.up().output
    assert status(site).running


def test_an_existing_connector_is_taken_over_with_its_offsets(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields)
    program.up()
    before = position(site)
    (urn,) = (one["urn"] for one in program.project.resources() if "kafka:Connector" in one["urn"])
    program.project.pulumi("state", "delete", urn, "--yes")

    program.declare("source", fields | {"status_interval_ms": 9000})
    preview = program.preview().output
    assert f"{NAME}: exists on the worker already; up takes it over with its offsets" in preview
    assert "status.update.interval.ms: 10000 → 9000" in preview
    program.up()
    assert status(site).running
    assert position(site) >= before


def test_the_slot_goes_with_the_connector_only_when_told(
    site: Site, program: Program, fields: dict[str, Any]
) -> None:
    program.declare("source", fields)
    program.up()
    program.declare_nothing()
    left = program.up().output
    assert f"the replication slot {NAME} stays (drop_slot is false)" in left
    assert NAME in site.slots()

    program.declare("source", fields | {"drop_slot": True})
    program.up()
    program.declare_nothing()
    assert f"dropped the replication slot {NAME}" in program.up().output
    assert NAME not in site.slots()
