"""Settings that would miss existing rows are refused by the worker, and by a task as it starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.debezium import RESUMING_POSTGRES, DebeziumPostgresConnector
from components.streaming.connectors.existing_rows import RULES
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER, MARKED_SNAPSHOTTER
from tests.java_programs import JavaProgram, java_program
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA, JSON

pytestmark = [pytest.mark.jdk, pytest.mark.images]

# Its own messages, about values that it can't read.
DEBEZIUMS = "The '"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaProgram]:
    folder = tmp_path_factory.mktemp("settings")
    connector = DebeziumPostgresConnector(
        name="c",
        connector_class=RESUMING_POSTGRES,
        hostname="localhost",
        port=1,  # where nothing listens
        database="none",
        tables=("public.a",),
        snapshot="custom",
        snapshot_class=CONTINUOUS_SNAPSHOTTER,
        key_converter=JsonConverter(),
        value_converter=JsonConverter(),
    )
    copy_artifacts(JARS["values"], folder / "jars")
    copy_artifacts(("org/postgresql/postgresql/42.6.*", *JARS[JSON]), folder / "more")
    given = folder / "connector.properties"
    properties = connector.properties() | {"database.user": "u", "database.password": "p"}
    given.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    classpath = f"{JAVA / 'values.jar'}:{folder}/jars/*:{folder}/more/*"
    source = str(Path(__file__).with_name("RefusedSettings.java"))
    with java_program(classpath, source, arguments=(str(given),)) as running:
        yield running


def refusals(program: JavaProgram, name: str, value: str) -> dict[str, str]:
    """Return what the worker and the task say about a setting; nothing if it is allowed."""
    program.send(f"{name}\t{value}")
    found: dict[str, str] = {}
    while (line := program.receive()) != "done":
        who, about, message = line.split("\t")
        if about == name and not message.startswith(DEBEZIUMS):
            found[who] = message
    return found


@pytest.mark.parametrize("value", ["2", "0", "-1", "auto", "1.0", "+2", " 1", "", " "])
def test_other_threads_than_one_are_refused(program: JavaProgram, value: str) -> None:
    found = refusals(program, "snapshot.max.threads", value)
    assert found["worker"].startswith(f"'{value}' is not a valid value; allowed: 1 (several")
    assert found["task"] == f"snapshot.max.threads: {found['worker']}"


def test_one_thread_is_allowed(program: JavaProgram) -> None:
    assert refusals(program, "snapshot.max.threads", "1") == {}


@pytest.mark.parametrize("name", [name for name, (allowed, _) in RULES.items() if not allowed])
def test_what_must_not_be_set_is_refused(program: JavaProgram, name: str) -> None:
    for value in ("public.a", "public.a:v", ""):
        found = refusals(program, name, value)
        assert found["worker"] == f"must not be set ({RULES[name][1]})"
        assert found["task"] == f"{name}: {found['worker']}"


def test_signals_from_outside_the_database_are_refused(program: JavaProgram) -> None:
    for value in ("kafka", "source,jmx", "file"):
        found = refusals(program, "signal.enabled.channels", value)
        assert found["worker"].startswith(f"'{value}' is not a valid value; allowed: source (")
    assert refusals(program, "signal.enabled.channels", "source") == {}


@pytest.mark.parametrize("mode", ["initial", "always", "never", "initial_only", "custom "])
def test_modes_that_do_not_go_on_are_refused(program: JavaProgram, mode: str) -> None:
    found = refusals(program, "snapshot.mode", mode)
    assert found["worker"].startswith("must be custom with snapshot.custom.class datapipe.postgres")
    assert found["task"].startswith("snapshot.mode: must be custom")


def test_both_snapshotters_of_ours_are_allowed(program: JavaProgram) -> None:
    assert refusals(program, "snapshot.custom.class", MARKED_SNAPSHOTTER) == {}


@pytest.mark.parametrize("name", ["snapshot.fetch.size", "snapshot.delay.ms"])
def test_settings_that_keep_the_rows_and_their_order_are_allowed(
    program: JavaProgram, name: str
) -> None:
    assert refusals(program, name, "3") == {}
