"""Real workers: what they give to the tasks of real connectors, and a change that they can't give.

A transform of the sink's plugin is not listed as one. Connect accepts the configuration, as it
validates it with the plugin's own class loader, can't give it to the tasks, and these go on with
the topics that they have.
"""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi import dynamic

from components.streaming.connectors import resource
from components.streaming.connectors.converters import JsonConverter
from components.streaming.connectors.debezium import RESUMING_POSTGRES, DebeziumPostgresConnector
from components.streaming.connectors.iceberg import IcebergSinkConnector
from components.streaming.connectors.resource import KafkaConnectorProvider
from images.plugins import add_manifests
from kafka_connect.snapshot import CONTINUOUS_SNAPSHOTTER
from kafka_connect.startup import NotInTimeError, Timeouts
from kafka_connect.status import OUTDATED
from kafka_connect.task_configs import ADDED_TO_TASKS, PASSING_ALL, read_status
from kafka_connect.worker_log import last_failure
from tests.kafka_connect.artifacts import copy_artifacts, copy_module
from tests.kafka_connect.connect_processes import ConnectProcesses, running
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

JAVA = Path(__file__).parents[2] / "java"
SINK, TABLE = "sink", "events"
TRANSFORMATIONS = "META-INF/services/org.apache.kafka.connect.transforms.Transformation"
PASSWORD = "first-of-debezium"
ENVIRONMENT = {
    "S3_BUCKET_NAME": "bucket",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "DBZ_DB_PASSWORD": PASSWORD,
}
JSON = JsonConverter(schemas_enable=True)
SECONDS = 120
# More than a worker needs for a change that it can give to the tasks, about one.
REFUSED_SECONDS = 20


def without_service(jar: Path, plugin: str, target: Path) -> None:
    """Copy a jar whose list of transforms lacks one."""
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(target, "w") as copy:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == TRANSFORMATIONS:
                listed = content.decode().split()
                assert plugin in listed
                content = "\n".join(name for name in listed if name != plugin).encode()
            copy.writestr(entry, content)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectProcesses]:
    """Two workers with Debezium and Iceberg's sink; NameTable is not listed as a plugin."""
    folder = tmp_path_factory.mktemp("connect")
    plugins = folder / "plugins"
    plugins.mkdir()
    copy_module("iceberg-sink", plugins / "iceberg-sink")
    copy_artifacts(("io/debezium/debezium-connector-postgres/*",), plugins / "debezium")
    # As the images have them.
    copy_module("kafka", folder / "kafka")
    add_manifests(plugins / "debezium", folder / "kafka")
    without_service(
        JAVA / "column-kinds.jar",
        "datapipe.iceberg.NameTable",
        plugins / "iceberg-sink/column-kinds.jar",
    )
    shutil.copy(JAVA / "values.jar", plugins / "debezium")
    (plugins / "ours").mkdir()
    for name in ("json", "transforms"):
        shutil.copy(JAVA / f"{name}.jar", plugins / "ours")
    with running(folder, plugins, environment=ENVIRONMENT) as processes:
        processes.make_topics("control-iceberg", "s3-sink-dlq", *(f"t{n}" for n in range(4)))
        processes.start_worker()
        processes.start_worker()
        yield processes


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> dynamic.ResourceProvider:
    quick = {"settle": 2.0, "report": 3.0}
    monkeypatch.setattr(resource, "Timeouts", lambda timeout: Timeouts(timeout=timeout, **quick))
    return KafkaConnectorProvider()


def sink(workers: ConnectProcesses, tables: int, *, worker: int = 0, **changes: Any) -> Any:
    """Return the inputs of the sink's resource, on one of the workers."""
    fields: dict[str, Any] = {"tasks_max": 2, "name_tables": False, **changes}
    timeout = fields.pop("timeout", SECONDS)
    connector = IcebergSinkConnector(
        name=SINK,
        routes={f"t{number}": f"db.t{number}" for number in range(tables)},
        warehouse="s3://${env:S3_BUCKET_NAME}/x",
        # No record comes, so the catalog is never asked.
        endpoint="http://127.0.0.1:1",
        key_converter=JSON,
        value_converter=JSON,
        **fields,
    )
    return inputs(workers, connector, worker, timeout)


def inputs(workers: ConnectProcesses, connector: Any, worker: int, timeout: float) -> Any:
    return {
        "name": connector.name,
        "config": connector.properties(),
        "access": {"url": f"http://127.0.0.1:{list(workers.workers)[worker]}"},
        "start_timeout_seconds": timeout,
        "snapshot_timeout_seconds": timeout,
        "state": "RUNNING",
        "tasks": None,
        "reset_offsets": None,
        "drop_slot": False,
    }


@pytest.fixture
def archived(workers: ConnectProcesses, provider: dynamic.ResourceProvider) -> Iterator[Any]:
    """The inputs of a sink that archives two topics with two tasks."""
    made = sink(workers, 2)
    provider.create(made)
    yield made
    provider.delete(SINK, made)


def topics(workers: ConnectProcesses) -> list[str]:
    """Return the topics of each task of the sink."""
    client = workers.client(next(iter(workers.workers)))
    return [config["topics"] for config in client.task_configs(SINK)]


def added(workers: ConnectProcesses, name: str) -> set[str]:
    """Return the keys that a connector's tasks have in addition to its own."""
    client = workers.client(next(iter(workers.workers)))
    config = client.config(name)
    keys = [task.keys() - config.keys() for task in client.task_configs(name)]
    assert keys, "it has tasks"
    return set.union(*map(set, keys))


def test_a_change_that_the_tasks_do_not_get_fails_the_update(
    workers: ConnectProcesses, archived: Any, provider: dynamic.ResourceProvider, capsys: Any
) -> None:
    wanted = sink(workers, 4, name_tables=True, timeout=REFUSED_SECONDS)
    assert [one.reason for one in provider.check(archived, wanted).failures] == []
    with pytest.raises(NotInTimeError) as failed:
        provider.update(SINK, archived, wanted)
    assert "2 of 2 tasks RUNNING, with an earlier configuration, which differs in topics," in str(
        failed.value
    )
    assert "'Failed to reconfigure'" in str(failed.value)
    assert "with an earlier configuration" in capsys.readouterr().err
    assert topics(workers) == ["t0,t1", "t0,t1"], "what the message says"
    reasons = [last_failure(workers.log(f"worker-{port}"), SINK) for port in workers.workers]
    expected = "transforms.topic.type: Class datapipe.iceberg.NameTable could not be found."
    assert expected in reasons

    refreshed = provider.read(SINK, wanted).outs
    assert refreshed is not None
    assert refreshed["state"] == OUTDATED
    # Fewer tables than before, without the transform.
    repaired = provider.update(SINK, wanted, sink(workers, 1)).outs
    assert repaired is not None
    assert repaired["state"] == "RUNNING"
    assert topics(workers) == ["t0", "t0"]


def test_a_new_connector_whose_tasks_can_not_be_configured_fails_the_update(
    workers: ConnectProcesses, provider: dynamic.ResourceProvider
) -> None:
    wanted = sink(workers, 4, name_tables=True, timeout=REFUSED_SECONDS)
    with pytest.raises(NotInTimeError, match=r"0 of 0 tasks RUNNING.*'Failed to reconfigure'"):
        provider.create(wanted)
    provider.delete(SINK, wanted)


@pytest.mark.parametrize("worker", [0, 1])
def test_changes_are_seen_on_each_worker(
    workers: ConnectProcesses, archived: Any, provider: dynamic.ResourceProvider, worker: int
) -> None:
    """One of the two leads the group, and stores what the other is asked for."""
    for tables, count in ((3, 2), (2, 3), (4, 1), (4, 2)):
        wanted = sink(workers, tables, tasks_max=count, worker=worker)
        outs = provider.update(SINK, archived, wanted).outs
        assert outs is not None
        assert outs["tasks"] == ["RUNNING"] * count
        assert topics(workers) == [",".join(f"t{number}" for number in range(tables))] * count


def test_a_property_that_is_removed_is_waited_for(
    workers: ConnectProcesses, archived: Any, provider: dynamic.ResourceProvider
) -> None:
    extra = {"iceberg.tables.default-commit-branch": "main"}
    more = sink(workers, 2, extra=extra)
    provider.update(SINK, archived, more)
    assert read_status(
        workers.client(list(workers.workers)[1]), SINK, archived["config"]
    ).earlier == (*extra,)
    provider.update(SINK, more, archived)


def test_a_paused_connector_gets_its_configuration_when_it_is_resumed(
    workers: ConnectProcesses, archived: Any, provider: dynamic.ResourceProvider
) -> None:
    paused = sink(workers, 3) | {"state": "PAUSED"}
    provider.update(SINK, archived, paused)
    assert topics(workers) == ["t0,t1", "t0,t1"], "Connect leaves the tasks of a paused one alone"
    provider.update(SINK, paused, sink(workers, 3))
    assert topics(workers) == ["t0,t1,t2"] * 2
    stopped = sink(workers, 1) | {"state": "STOPPED"}
    provider.update(SINK, sink(workers, 3), stopped)
    assert topics(workers) == []
    provider.update(SINK, stopped, sink(workers, 1))
    assert topics(workers) == ["t0", "t0"]


def test_icebergs_sink_adds_to_its_tasks_what_is_known(
    workers: ConnectProcesses, archived: Any
) -> None:
    kind = archived["config"]["connector.class"]
    assert added(workers, SINK) == ADDED_TO_TASKS | PASSING_ALL[kind]
    config = workers.client(next(iter(workers.workers))).task_configs(SINK)[0]
    assert config["iceberg.catalog.warehouse"] == "s3://${env:S3_BUCKET_NAME}/x"


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        server.execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY)")
        server.execute(f"CREATE PUBLICATION {TABLE} FOR TABLE {TABLE}")
        server.execute(f"GRANT SELECT ON {TABLE} TO debezium")
        yield server


@pytest.mark.parametrize("ours", [False, True])
def test_debezium_adds_to_its_task_what_is_known(
    workers: ConnectProcesses,
    database: PostgresServer,
    provider: dynamic.ResourceProvider,
    ours: bool,
) -> None:
    name = "resuming" if ours else "debezium"
    resuming = {"snapshot": "custom", "snapshot_class": CONTINUOUS_SNAPSHOTTER}
    connector = DebeziumPostgresConnector(
        **({"connector_class": RESUMING_POSTGRES, **resuming} if ours else {}),
        name=name,
        hostname="localhost",
        port=int(database.port),
        user="debezium",
        database=database.settings.database,
        tables=(f"public.{TABLE}",),
        slot=name,
        publication=TABLE,
        exactly_once=None,
        transaction_boundary=None,
        transaction_timeout_ms=None,
        transaction_metadata=False,
        heartbeat_interval_ms=0,
        key_converter=JSON,
        value_converter=JSON,
    )
    made = inputs(workers, connector, 0, SECONDS)
    assert provider.create(made).outs
    kind = connector.connector_class
    assert added(workers, name) <= ADDED_TO_TASKS | PASSING_ALL[kind]
    changed = {**made["config"], "poll.interval.ms": "750"}
    assert provider.update(name, made, made | {"config": changed}).outs
    (task,) = workers.client(next(iter(workers.workers))).task_configs(name)
    assert task["poll.interval.ms"] == "750"
    assert task["database.password"] == "${env:DBZ_DB_PASSWORD}"
    assert PASSWORD not in task.values()
    provider.delete(name, made)
