"""What the sink refuses is listed with its reason, and replayed once when the cause is gone."""

import base64
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from confluent_kafka import Producer

from clients.archive import Archive, open_archives
from clients.cluster import Cluster
from clients.connect import connect_client, connectors
from clients.database import Row
from clients.dlq.dead_letters import DeadLetter, DeadLetterReader
from clients.dlq.replay import GROUP, ReplayError, pending, replay
from clients.stack import PROJECT, StackOutputs
from kafka_connect.client import ConnectClient
from kafka_connect.status import advice_for
from polling import NotReadyError, poll_until
from tests.e2e.archived_changes import ArchivedChanges
from workload.source import wal_position

SINK = "s3-sink-connector"
USERS = "postgres.public.users"
# Takes eight bytes and nothing else.
BROKEN_CONVERTER = "org.apache.kafka.connect.converters.LongConverter"
LETTER_SECONDS = 90
WIDE_NUMBER = {
    "field": "wide_number",
    "type": "bytes",
    "name": "org.apache.kafka.connect.data.Decimal",
    "version": 1,
    "parameters": {"scale": "2"},
    "optional": True,
}
# Instead of every 10 s and 30 s: what is tested here is what is committed, not when. The first
# commit after a restart of the task reaches its timeout.
COMMITS = {
    "iceberg.control.commit.interval-ms": "2000",
    "iceberg.control.commit.timeout-ms": "10000",
}
COMMITTED_SECONDS = 6


def dlq(*arguments: str) -> str:
    """Return what `datapipe dlq` prints."""
    command = [sys.executable, "-m", "command_line", "--stack", "sandbox", "dlq", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for_letters(outputs: StackOutputs, wanted: set[bytes]) -> dict[bytes, DeadLetter]:
    """Return the letters that wait by what their records contain, once all of these are among them.

    There may be others: a sink that restarts reads again what it had not committed.
    """

    def complete() -> dict[bytes, DeadLetter]:
        with DeadLetterReader(outputs.kafka, GROUP) as reader:
            letters = list(reader.read(pending(reader, outputs.dead_letter_topics.names)))
        found = {part: one for part in wanted for one in letters if part in (one.value or b"")}
        if found.keys() != wanted:
            raise NotReadyError(f"no dead letters of {wanted - found.keys()}")
        return found

    return poll_until(complete, timeout=LETTER_SECONDS, interval=1, description="dead letters")


def wait_until_running(cluster: Cluster, outputs: StackOutputs) -> None:
    """Wait for the connectors and all their tasks."""
    poll_until(
        lambda: all(each.runs for each in connectors(cluster, outputs.connect)),
        timeout=LETTER_SECONDS,
        interval=1,
        description="all connectors to run",
    )


@pytest.fixture(scope="module", autouse=True)
def frequent_commits(outputs: StackOutputs, cluster: Cluster) -> Iterator[None]:
    """The sink commits more often during these tests."""
    connect = connect_client(outputs)
    config = connect.config(SINK)
    connect.put(SINK, config | COMMITS)
    wait_until_running(cluster, outputs)
    yield
    connect.put(SINK, config)
    wait_until_running(cluster, outputs)


@pytest.fixture(autouse=True)
def no_letter_waits() -> Iterator[None]:
    """Each test begins and ends with none waiting.

    The letters stay in their topic, by which a worker knows that their records do not wait.
    """
    dlq("dismiss")
    yield
    dlq("dismiss")


@pytest.fixture
def connect(outputs: StackOutputs) -> ConnectClient:
    """Connect's REST API."""
    return connect_client(outputs)


@pytest.fixture
def broken_sink(
    connect: ConnectClient, cluster: Cluster, outputs: StackOutputs
) -> Iterator[Callable[[], None]]:
    """The sink with a converter that refuses every record, and how to repair it."""
    sound = connect.config(SINK)

    def configure(config: dict[str, str]) -> None:
        connect.put(SINK, config)
        wait_until_running(cluster, outputs)

    configure({**sound, "value.converter": BROKEN_CONVERTER})
    yield lambda: configure(sound)
    if connect.config(SINK) != sound:
        configure(sound)


def test_refused_rows_are_archived_once_through_repair_and_replay(
    broken_sink: Callable[[], None],
    outputs: StackOutputs,
    connection: psycopg.Connection[Row],
    archived_changes: ArchivedChanges,
) -> None:
    """The repair restarts the tasks, which read again what they had not passed; a replay knows."""
    emails = [f"{uuid.uuid4()}@example.com" for _ in range(3)]
    keys = [insert_user(connection, email) for email in emails]
    letters = wait_for_letters(outputs, {email.encode() for email in emails}).values()
    assert {letter.errors["topic"] for letter in letters} == {"postgres.public.users"}
    assert {letter.exception for letter in letters} == {"DataException"}
    listed = dlq("list", "--limit", "1000")
    assert all(str(letter.position) in listed for letter in letters)
    with pytest.raises(ReplayError, match="again when its tasks restart"):
        replay(outputs, open_archives(outputs), outputs.dead_letter_topics.names, print)

    broken_sink()
    for key in keys:
        assert len(archived_changes("public.users", key, 1)) == 1
    time.sleep(COMMITTED_SECONDS)
    assert "0 dead letters would be replayed" in dlq("replay", "--dry-run")
    assert dlq("replay").splitlines()[-1].startswith("replayed 0 dead letters")
    assert "0 dead letters pending" in dlq("list")
    everything = dlq("list", "--all", "--limit", "1000")
    assert all(str(letter.position) in everything for letter in letters)
    time.sleep(COMMITTED_SECONDS)
    for key in keys:
        assert len(archived_changes("public.users", key, 1)) == 1


def pass_poison(connection: psycopg.Connection[Row], archive: Archive) -> None:
    """Have the sink commit records behind the poison, in every partition of users."""
    began = wal_position(connection)
    wanted = {insert_user(connection, f"{uuid.uuid4()}@example.com") for _ in range(40)}
    poll_until(
        lambda: wanted <= set(archive.changes("public.users", since_lsn=began)["id"].to_pylist()),
        timeout=LETTER_SECONDS,
        interval=1,
        description="the rows behind the poison to be archived",
    )


def insert_user(connection: psycopg.Connection[Row], email: str) -> int:
    """Return a new row's id."""
    row = connection.execute(
        "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'a', 'b') RETURNING id",
        [email],
    ).fetchone()
    assert row is not None
    return int(row["id"])


def test_a_replay_that_is_stopped_goes_on_behind_its_last_batch(
    outputs: StackOutputs,
    connection: psycopg.Connection[Row],
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was sent is refused again, so each record of the garbage has one letter that waits."""
    monkeypatch.setattr("clients.dlq.replay.BATCH", 2)
    garbage = {b"garbage %d" % number for number in range(3)}
    produce(outputs, *garbage)
    wait_for_letters(outputs, garbage)
    pass_poison(connection, archive)

    def stop(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(outputs, open_archives(outputs), outputs.dead_letter_topics.names, stop)
    wait_for_letters(outputs, garbage)


def produce(outputs: StackOutputs, *values: bytes) -> None:
    """Write records by hand into a partition of users."""
    producer = Producer(outputs.kafka)
    for value in values:
        producer.produce(USERS, value, b"7", partition=4, headers=[("trace", b"abc")])
    assert producer.flush(20) == 0


def test_a_poison_record_is_shown_with_its_reason_and_refused_again(
    outputs: StackOutputs, connection: psycopg.Connection[Row], archive: Archive
) -> None:
    poison = b"no JSON \x07"
    produce(outputs, poison)
    letter = wait_for_letters(outputs, {poison})[poison]
    shown = dlq("show", str(letter.position))
    for part in (
        f"record         postgres.public.users/4/{letter.errors['offset']}",
        f"connector.name {SINK}",
        "key            7",
        r"value          no JSON \u0007",
        "header         trace=abc",
        "org.apache.kafka.connect.errors.DataException",
    ):
        assert part in shown

    pass_poison(connection, archive)
    assert dlq("replay").splitlines()[-1] == "replayed 1 dead letters; 0 were already archived"
    again = wait_for_letters(outputs, {poison})[poison]
    assert (again.key, again.value, again.headers) == (letter.key, letter.value, letter.headers)
    assert again.origin is not None
    assert (again.origin.topic, again.origin.partition) == ("postgres.public.users", 4)
    assert again.position != letter.position
    assert dlq("dismiss") == "dismissed 1 dead letters\n"
    assert "0 dead letters pending" in dlq("list")


def misfit(outputs: StackOutputs, key: int) -> bytes:
    """Return the record of a user as it is in the topic, with a number that Parquet can't hold.

    A Decimal is archived with 38 digits. Values of another type would get a column of their own.
    """
    with DeadLetterReader(outputs.kafka, GROUP) as reader:
        for record in reader.read(reader.partitions([USERS])):
            document = None
            with suppress(ValueError):  # the garbage of the tests before
                document = json.loads(record.value or b"null")
            if isinstance(document, dict) and document["payload"]["id"] == key:
                document["schema"]["fields"].append(WIDE_NUMBER)
                unscaled = (10**50).to_bytes(24, "big")
                document["payload"]["wide_number"] = base64.b64encode(unscaled).decode()
                return json.dumps(document).encode()
    pytest.fail(f"no record of user {key}")


def advice(cluster: Cluster, outputs: StackOutputs) -> str:
    """Wait until a task of the sink has failed; return what the status advises."""

    def trace() -> str | None:
        (sink,) = (each for each in connectors(cluster, outputs.connect) if each.kind == "sink")
        return next((task.trace for task in sink.tasks if task.trace), None)

    failed = poll_until(
        trace, timeout=LETTER_SECONDS, interval=1, description="a failed task of the sink"
    )
    assert failed
    return advice_for(failed)


def test_a_record_that_stops_the_sink_becomes_a_dead_letter_and_nothing_else_is_lost(
    outputs: StackOutputs,
    cluster: Cluster,
    connect: ConnectClient,
    connection: psycopg.Connection[Row],
    archived_changes: ArchivedChanges,
) -> None:
    config = connect.config(SINK)
    first = insert_user(connection, f"{uuid.uuid4()}@example.com")
    archived_changes("public.users", first, 1)
    stuck = misfit(outputs, first)
    before = [insert_user(connection, f"{uuid.uuid4()}@example.com") for _ in range(10)]
    produce(outputs, stuck)
    behind = [insert_user(connection, f"{uuid.uuid4()}@example.com") for _ in range(10)]
    told = re.search(rf"dlq skip ({USERS}/4/\d+)", advice(cluster, outputs))
    assert told
    dlq("skip", told[1])

    letter = wait_for_letters(outputs, {stuck})[stuck]
    assert str(letter.origin) == told[1]
    assert "configured to skip it" in letter.message
    assert connect.config(SINK) == config
    for key in (*before, *behind):
        assert len(archived_changes("public.users", key, 1)) == 1
