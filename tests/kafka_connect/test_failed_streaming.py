"""A task that can't capture changes fails, where Debezium alone tries again forever, RUNNING."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kafka_connect.status import advice_for
from polling import poll_until
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.killed_worker import TaskError, Worker, apply, worker_of
from tests.kafka_connect.test_jars import JARS, JAVA
from tests.requirements import postgres_bin
from tests.unit.postgres_server import PostgresServer, running_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgresql]

# By SQLSTATE: what becomes of a task that captures changes, and of one that reads rows.
ANSWERS = {
    "none": ("retried", "retried"),  # no answer at all
    "08006": ("retried", "retried"),
    "57P01": ("retried", "retried"),  # admin_shutdown
    "57P02": ("retried", "retried"),  # crash_shutdown
    "57P03": ("retried", "retried"),  # cannot_connect_now
    "53300": ("retried", "retried"),  # too_many_connections
    "40P01": ("retried", "retried"),  # deadlock_detected
    "55P03": ("retried", "retried"),  # lock_not_available
    "55006": ("retried", "retried"),  # object_in_use, such as a slot
    "55000": ("failed", "failed"),  # object_not_in_prerequisite_state, such as a lost slot
    "57014": ("failed", "failed"),  # query_canceled, by a timeout too
    "42501": ("failed", "failed"),  # insufficient_privilege
    "42704": ("failed", "failed"),  # undefined_object, such as a publication
    "42P01": ("failed", "retried"),  # undefined_table, after a rename
    "42703": ("failed", "retried"),  # undefined_column
    "28P01": ("failed", "failed"),  # invalid_password
    "3D000": ("failed", "failed"),  # invalid_catalog_name
    "53100": ("failed", "failed"),  # disk_full
    "58P01": ("failed", "failed"),  # undefined_file, such as a WAL segment
    "XX001": ("failed", "failed"),  # data_corrupted
}
TABLES = ["events", "ending"]
# A task asks a server that refuses it once; its worker starts it again.
PATIENCE = {"slot.max.retries": "0", "repeats": "true"}
INSERT = "INSERT INTO events VALUES ({number}, 'v{number}')"
END = "INSERT INTO ending VALUES ({number}, 'the end')"
BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'debezium'"
SLOT = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'debezium_slot'"


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    with running_server(sample_schema=False) as server:
        assert server.apply(()).returncode == 0
        for table in TABLES:
            server.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v text)")
        server.execute(INSERT.format(number=0))
        apply(server, TABLES)
        yield server


@contextmanager
def streaming(server: PostgresServer, folder: Path, **changes: str) -> Iterator[Worker]:
    """Yield a worker whose task captures changes."""
    with worker_of(server, TABLES, folder, {**PATIENCE, **changes}) as worker:
        worker.go_on(1)
        server.execute("UPDATE events SET v = v || '+' WHERE id = 0")
        while not any(each.operation == "u" for each in worker.records):
            worker.go_on(1)
        yield worker


def wait_for(server: PostgresServer, query: str, value: object) -> None:
    poll_until(
        lambda: server.query(query) == [(value,)],
        timeout=180,
        interval=0.1,
        description=f"{query}: {value}",
    )


def refusal(worker: Worker) -> str:
    """Return what the task fails with, whose state is then FAILED."""
    with pytest.raises(TaskError) as failed:
        worker.read(0)
    assert not failed.value.is_retriable
    return str(failed.value)


def added(server: PostgresServer, worker: Worker, number: int) -> list[str]:
    """Insert the last row; return the changes of the other table up to it."""
    server.execute(END.format(number=number))
    worker.read(0)
    return [each.id for each in worker.of("events") if each.operation == "c"]


def test_a_lost_connection_and_a_crash_of_the_server_are_not_failures(
    running: PostgresServer, tmp_path: Path
) -> None:
    with streaming(running, tmp_path) as worker:
        running.execute(BACKENDS)
        running.execute(INSERT.format(number=1))
        worker.go_on(1)
        assert running.process is not None
        running.process.send_signal(signal.SIGQUIT)  # an end without a checkpoint
        running.process.wait(timeout=120)
        running.start()
        running.execute(INSERT.format(number=2))
        assert added(running, worker, 1) == ["1", "2"]


def test_an_account_that_may_not_replicate_or_connect_fails_until_it_may(
    running: PostgresServer, tmp_path: Path
) -> None:
    with streaming(running, tmp_path) as worker:
        running.execute("ALTER ROLE debezium NOREPLICATION")
        running.execute(BACKENDS)
        running.execute(INSERT.format(number=11))
        assert "must be superuser or replication role" in refusal(worker)
        running.execute("ALTER ROLE debezium REPLICATION CONNECTION LIMIT 0")
        assert "connections for role" in refusal(worker)
        running.execute("ALTER ROLE debezium CONNECTION LIMIT -1")
        assert added(running, worker, 2) == ["11"]


def test_a_publication_that_was_dropped_fails_even_after_it_was_created_again(
    running: PostgresServer, tmp_path: Path
) -> None:
    """The WAL is decoded with the catalog of its time, in which there is no publication."""
    publication = running.settings.publication
    with streaming(running, tmp_path) as worker:
        running.execute(f"DROP PUBLICATION {publication}")
        running.execute(INSERT.format(number=21))
        apply(running, TABLES)
        message = refusal(worker)
        assert f'publication "{publication}" does not exist' in message
        assert "the database refuses to send the changes" in message
        assert "make recover SOURCE" in advice_for(message)
        assert f'publication "{publication}" does not exist' in refusal(worker)


def test_a_slot_that_another_program_reads_is_waited_for(
    running: PostgresServer, tmp_path: Path
) -> None:
    with worker_of(running, TABLES, tmp_path, {"slot.max.retries": "0"}) as worker:
        worker.read(3)
        program = [f"{postgres_bin()}/pg_recvlogical", "--slot=debezium_slot", "--start"]
        program += ["--file=-", "--option=proto_version=1"]
        program += [f"--option=publication_names={running.settings.publication}"]
        program += [f"--host={running.folder}", f"--port={running.port}", "--username=postgres"]
        program += [f"--dbname={running.settings.database}"]
        with subprocess.Popen(program, stdout=subprocess.DEVNULL) as other:
            wait_for(running, "SELECT active FROM pg_replication_slots", True)
            with pytest.raises(TaskError, match="is active for PID") as failed:
                worker.read(0)
            other.terminate()
        assert failed.value.is_retriable


def test_a_slot_that_was_lost_fails_and_names_the_remedy(
    running: PostgresServer, tmp_path: Path
) -> None:
    with streaming(running, tmp_path) as worker:
        running.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        running.execute("SELECT pg_reload_conf()")
        filled = "INSERT INTO events SELECT n, repeat('x', 9999) FROM generate_series(100, 999) n"
        running.execute(filled)  # more than the task's queue takes
        for _ in range(4):
            running.execute("SELECT pg_switch_wal()")
            running.execute("CREATE TABLE filler AS SELECT 1; DROP TABLE filler; CHECKPOINT")
        wait_for(running, SLOT, "lost")
        message = refusal(worker)
        assert "has removed WAL that the replication slot needs" in message
        assert "make recover SOURCE" in advice_for(message)


def test_what_may_pass_is_retried_for_two_minutes_and_the_rest_fails(tmp_path: Path) -> None:
    copy_artifacts(JARS["values"], tmp_path / "jars")
    classpath = f"{JAVA}/values.jar:{tmp_path}/jars/*"
    source = Path(__file__).parent / "DatabaseAnswers.java"
    subprocess.run(["javac", "-cp", classpath, "-d", tmp_path, source], check=True)
    done = subprocess.run(
        ["java", "-cp", f"{tmp_path}:{classpath}", "datapipe.postgres.DatabaseAnswers", *ANSWERS],
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, repeated, after_records, long_afterwards = done.stdout.splitlines()
    answers = {state: (streaming, reading) for state, streaming, reading in map(str.split, lines)}
    assert answers == ANSWERS
    assert repeated == "again and again: true true true false false"
    assert after_records == "after records: true true false"
    assert long_afterwards == "long afterwards: true true"
