"""A source connector refuses to go on from a server on which changes are missing.

Debezium by itself would create a slot and skip them.
"""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.java_programs import java_program
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA
from tests.postgres_versions.copies import backup, promote
from tests.postgres_versions.servers import PASSWORD, ExistingServer, existing_server

pytestmark = [pytest.mark.jdk, pytest.mark.images, pytest.mark.postgres_versions]

DRIVER = ("org/postgresql/postgresql/42.6.*",)
# Takes a server and the offset's position, and time or properties that differ; returns the answer.
Ask = Callable[..., str]
CREATE = "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')"
POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
CONFIRMED = "SELECT (confirmed_flush_lsn - '0/0'::pg_lsn)::bigint FROM pg_replication_slots"
IDENTIFIER = "SELECT system_identifier::text FROM pg_control_system()"
EXACT = {"exactly.once.support": "required"}
HEARTBEAT = {"heartbeat.interval.ms": "30000", "heartbeat.action.query": "SELECT 1"}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    folder = tmp_path_factory.mktemp("java")
    copy_artifacts(JARS["values"], folder / "jars")
    copy_artifacts(DRIVER, folder / "driver")
    classpath = f"{JAVA / 'values.jar'}:{folder}/jars/*:{folder}/driver/*"
    source = Path(__file__).with_name("ContinuousSource.java")
    with java_program(classpath, str(source)) as program:

        def ask(
            server: Any,
            position: int | None,
            at: float = 0,
            **properties: str,
        ) -> str:
            given = {
                "database.hostname": "localhost",
                "database.port": str(server.port),
                "database.user": "datapipe",
                "database.password": PASSWORD,
                "database.sslmode": "require",
                **properties,
            }
            words = [f"{key}={value}" for key, value in given.items()]
            offset = "none" if position is None else str(position)
            return program.ask("\t".join([offset, str(int(at)), *words]))

        yield ask


@pytest.fixture(params=[13, 17])
def server(request: pytest.FixtureRequest) -> Iterator[ExistingServer]:
    """A server with a slot that was read up to now, and rows after it."""
    with existing_server(request.param) as running:
        running.prepare()
        running.execute(CREATE, "postgres")
        yield running


def value(server: ExistingServer, query: str) -> int:
    return int(server.execute(query, "postgres")[0][0])


def identity(server: ExistingServer, timeline: int = 1) -> dict[str, str]:
    return {"captured.server": f"{value(server, IDENTIFIER)}/{timeline}"}


def test_the_same_server_goes_on(server: ExistingServer, ask: Ask) -> None:
    captured = value(server, CONFIRMED)
    server.execute("INSERT INTO public.users VALUES (1000, 'later', NULL)")
    assert ask(server, captured, **identity(server), **EXACT) == "continuous\t1.0"
    assert ask(server, None, **identity(server)) == "continuous\t1.0", "nothing is captured yet"


def test_a_slot_that_is_missing_lost_or_read_by_another_is_refused(
    server: ExistingServer, ask: Ask
) -> None:
    captured = value(server, CONFIRMED)
    server.execute("INSERT INTO public.users VALUES (1000, 'missed', NULL)")
    server.execute(
        "SELECT pg_replication_slot_advance('datapipe_shop', pg_current_wal_insert_lsn())",
        "postgres",
    )
    answer = ask(server, captured, **EXACT)
    assert "it was created again, or another program has read it" in answer
    assert answer.endswith(". Run make recover SOURCE=shop\t0.0")
    assert ask(server, captured) == "continuous\t1.0", (
        "the offset may be older than what is in Kafka"
    )

    server.execute("SELECT pg_drop_replication_slot('datapipe_shop')", "postgres")
    assert "the replication slot does not exist" in ask(server, captured)
    assert ask(server, None) == "continuous\t1.0", "a first start makes the slot"
    # The reader of added tables drops its slot, and writes no changes.
    reader = {"slot.drop.on.stop": "true"}
    assert ask(server, captured, **reader).startswith("continuous")


def test_a_database_that_says_nothing_is_not_waited_for_forever(ask: Ask) -> None:
    """It accepts connections and hangs; the task tries again, as after other lost connections."""
    with socket.create_server(("localhost", 0)) as silent:
        port = str(silent.getsockname()[1])
        given = {"database.port": port, "database.sslmode": "disable", "driver.socketTimeout": "1"}
        began = time.monotonic()
        answer = ask(SimpleNamespace(port=0), 1000, **given)
        assert time.monotonic() - began < 20
    assert answer.startswith(
        "the database went away while it was asked whether changes are missing"
    )


def test_another_server_and_an_older_one_are_refused(server: ExistingServer, ask: Ask) -> None:
    captured = value(server, CONFIRMED)
    other = {"captured.server": "7000000000000000000/1"}
    assert "is another server than the one that was captured" in ask(server, captured, **other)
    later = ask(server, value(server, POSITION) + 10_000_000, **identity(server))
    assert "the archive has rows that it does not have" in later
    older = ask(server, captured, **identity(server, timeline=2))
    assert "it is a primary of before a failover" in older


def test_a_backup_that_has_passed_what_was_captured_is_known_by_its_heartbeat(
    server: ExistingServer, ask: Ask
) -> None:
    captured = value(server, CONFIRMED)
    heartbeat = {**identity(server), **HEARTBEAT}
    server.execute("INSERT INTO datapipe.heartbeat VALUES (1, now() - interval '1 hour')")
    assert "it is a restored backup" in ask(server, captured, time.time(), **heartbeat)
    server.execute("UPDATE datapipe.heartbeat SET at = now()")
    assert ask(server, captured, time.time(), **heartbeat) == "continuous\t1.0"


def test_a_database_without_a_table_of_heartbeats_goes_on(server: ExistingServer, ask: Ask) -> None:
    captured = value(server, CONFIRMED)
    server.execute("ALTER TABLE datapipe.heartbeat RENAME TO no_heartbeat")
    try:
        assert ask(server, captured, time.time(), **identity(server)) == "continuous\t1.0"
    finally:
        server.execute("ALTER TABLE datapipe.no_heartbeat RENAME TO heartbeat")


def test_a_promoted_standby_goes_on_where_it_has_all_that_was_captured(
    server: ExistingServer, ask: Ask
) -> None:
    before = identity(server)
    captured = value(server, CONFIRMED)
    with backup(server, slots=True) as standby:
        end = value(server, POSITION)
        promote(standby)
        standby.execute("CREATE TABLE later AS SELECT generate_series(1, 10000) AS id")
        assert ask(standby, captured, **before) == "continuous\t1.0"
        # Captured from the primary after the standby had left its timeline.
        ahead = ask(standby, end + 50_000, **before)
        assert "was promoted at the WAL position" in ahead
        assert "the archive has rows that it does not have" in ahead
        # Once the slot was read on the new timeline, a higher position is of that one.
        standby.execute(
            "SELECT pg_replication_slot_advance('datapipe_shop', pg_current_wal_insert_lsn())",
            "postgres",
        )
        assert ask(standby, value(standby, CONFIRMED), **before) == "continuous\t1.0"


def test_a_standby_and_a_server_that_is_away_are_reported(server: ExistingServer, ask: Ask) -> None:
    captured = value(server, CONFIRMED)
    with backup(server, slots=True) as standby:
        standby.write("data/standby.signal", "")
        standby.start()
        assert "is a standby" in ask(standby, captured)
    server.stop()
    assert "went away" in ask(server, captured)
