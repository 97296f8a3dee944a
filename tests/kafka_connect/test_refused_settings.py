"""Settings that would miss existing rows are refused by the worker, and by a task as it starts."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.debezium import RESUMING_POSTGRES, DebeziumPostgresConnector
from components.streaming.connectors.existing_rows import RULES
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER, MARKED_SNAPSHOTTER
from tests.java_programs import java_program
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA, JSON

pytestmark = [pytest.mark.jdk, pytest.mark.images]

Program = subprocess.Popen[str]
# Its own messages, about values that it can't read.
DEBEZIUMS = "The '"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
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


def refusals(program: Program, name: str, value: str) -> dict[str, str]:
    """Return what the worker and the task say about a setting; nothing if it is allowed."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{name}\t{value}\n")
    program.stdin.flush()
    found: dict[str, str] = {}
    for line in program.stdout:
        if line == "done\n":
            return found
        who, about, message = line.rstrip("\n").split("\t")
        if about == name and not message.startswith(DEBEZIUMS):
            found[who] = message
    pytest.fail("the program has ended")


@pytest.mark.parametrize("value", ["2", "0", "-1", "auto", "1.0", "+2", " 1", "", " "])
def test_other_threads_than_one_are_refused(program: Program, value: str) -> None:
    found = refusals(program, "snapshot.max.threads", value)
    assert found["worker"].startswith(f"'{value}' is not a valid value; allowed: 1 (several")
    assert found["task"] == f"snapshot.max.threads: {found['worker']}"


def test_one_thread_is_allowed(program: Program) -> None:
    assert refusals(program, "snapshot.max.threads", "1") == {}


@pytest.mark.parametrize("name", [name for name, (allowed, _) in RULES.items() if not allowed])
def test_what_must_not_be_set_is_refused(program: Program, name: str) -> None:
    for value in ("public.a", "public.a:v", ""):
        found = refusals(program, name, value)
        assert found["worker"] == f"must not be set ({RULES[name][1]})"
        assert found["task"] == f"{name}: {found['worker']}"


def test_signals_from_outside_the_database_are_refused(program: Program) -> None:
    for value in ("kafka", "source,jmx", "file"):
        found = refusals(program, "signal.enabled.channels", value)
        assert found["worker"].startswith(f"'{value}' is not a valid value; allowed: source (")
    assert refusals(program, "signal.enabled.channels", "source") == {}


@pytest.mark.parametrize("mode", ["initial", "always", "never", "initial_only", "custom "])
def test_modes_that_do_not_go_on_are_refused(program: Program, mode: str) -> None:
    found = refusals(program, "snapshot.mode", mode)
    assert found["worker"].startswith("must be custom with snapshot.custom.class datapipe.postgres")
    assert found["task"].startswith("snapshot.mode: must be custom")


def test_both_snapshotters_of_ours_are_allowed(program: Program) -> None:
    assert refusals(program, "snapshot.custom.class", MARKED_SNAPSHOTTER) == {}


@pytest.mark.parametrize("name", ["snapshot.fetch.size", "snapshot.delay.ms"])
def test_settings_that_keep_the_rows_and_their_order_are_allowed(
    program: Program, name: str
) -> None:
    assert refusals(program, name, "3") == {}
