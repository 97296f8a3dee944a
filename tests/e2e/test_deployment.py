"""What is deployed keeps the promises that only a running cluster and database can show."""

import subprocess
import sys

import psycopg
import pytest

from clients.cluster import MEBIBYTE, Cluster, total
from clients.connect import connectors
from clients.database import Row
from clients.stack import PROJECT, StackOutputs
from clients.status.collect import collect
from clients.status.health import problems
from polling import NotReadyError, poll_until

Connection = psycopg.Connection[Row]
# Two measurements of the worker: what comes between two looks may be measured at the second only.
MEASURED_SECONDS = 75


def test_the_limits_in_force_are_within_the_budget(cluster: Cluster, outputs: StackOutputs) -> None:
    pods = cluster.pods()
    limits = total(pod.limits for pod in pods)
    assert 0 < limits.memory <= outputs.budget.memory_mebibytes * MEBIBYTE
    assert 0 < limits.cpu * 1000 <= outputs.budget.cpu_millicores
    assert [pod.name for pod in pods if pod.unlimited] == []


def test_every_workload_runs_and_was_never_killed_for_memory(cluster: Cluster) -> None:
    # A run of the archive's maintenance starts and ends at any time.
    pods = {pod.name: pod for pod in cluster.pods() if not pod.of_job}
    for workload in ("postgresql-0", "kafka-0", "kafka-1", "kafka-2", "kafka-connect"):
        assert any(name.startswith(workload) for name in pods), workload
    assert [pod.name for pod in pods.values() if not pod.ready or pod.out_of_memory_kills] == []
    assert all(0 < pod.used.memory < pod.limits.memory for pod in pods.values())


def test_both_connectors_run_with_all_their_tasks(cluster: Cluster, outputs: StackOutputs) -> None:
    found = connectors(cluster, outputs.connect)
    assert {connector.name for connector in found} == set(outputs.connectors)
    assert sorted(connector.kind for connector in found) == ["sink", "source"]
    assert [connector for connector in found if not connector.runs] == []


def test_the_status_finds_nothing_wrong(cluster: Cluster, outputs: StackOutputs) -> None:
    """Workers measure every 30 s for how long rows wait, and show the last measurement until then.

    It may be of the tests before, which change the sink's settings and have it refuse records.
    """

    def nothing_wrong() -> bool:
        if found := problems(collect(outputs, cluster)):
            raise NotReadyError("; ".join(found))
        return True

    poll_until(
        nothing_wrong, timeout=MEASURED_SECONDS, interval=5, description="a status without problems"
    )


def test_the_status_command_exits_zero_and_shows_every_part() -> None:
    command = [sys.executable, "-m", "command_line", "--stack", "sandbox", "status"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("kafka-0", "s3-sink-connector", "postgres.public.users", "objects", "4096 MiB"):
        assert part in done.stdout


def test_the_publication_is_exactly_the_captured_tables(
    connection: Connection, outputs: StackOutputs
) -> None:
    rows = connection.execute(
        "SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables"
        " WHERE pubname = 'dbz_publication'"
    ).fetchall()
    assert {row["name"] for row in rows} == set(outputs.tables)


def test_debezium_may_read_exactly_the_captured_tables(
    connection: Connection, outputs: StackOutputs
) -> None:
    rows = connection.execute(
        "SELECT table_schema || '.' || table_name AS name, privilege_type"
        " FROM information_schema.role_table_grants WHERE grantee = 'debezium'"
    ).fetchall()
    assert {(row["name"], row["privilege_type"]) for row in rows} == {
        (table, "SELECT") for table in outputs.tables
    }


def test_debezium_is_no_superuser(connection: Connection) -> None:
    role = connection.execute(
        "SELECT rolsuper, rolreplication, rolcreatedb, rolcreaterole, rolbypassrls"
        " FROM pg_roles WHERE rolname = 'debezium'"
    ).fetchone()
    assert role == {
        "rolsuper": False,
        "rolreplication": True,
        "rolcreatedb": False,
        "rolcreaterole": False,
        "rolbypassrls": False,
    }


def test_the_connector_owns_nothing(connection: Connection) -> None:
    """The publication is the schema's work, so the connector needs no rights on tables."""
    owned = connection.execute(
        "SELECT pubname FROM pg_publication JOIN pg_roles ON pubowner = pg_roles.oid"
        " WHERE rolname = 'debezium'"
    ).fetchall()
    assert owned == []


def test_the_replication_slot_is_followed(connection: Connection) -> None:
    slots = connection.execute(
        "SELECT slot_name, plugin, active, wal_status FROM pg_replication_slots"
    ).fetchall()
    assert slots == [
        {
            "slot_name": "debezium_slot",
            "plugin": "pgoutput",
            "active": True,
            "wal_status": "reserved",
        }
    ]


def test_the_connection_is_encrypted(connection: Connection) -> None:
    session = connection.execute(
        "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    ).fetchone()
    assert session is not None
    assert session["ssl"]
    assert session["version"] in {"TLSv1.2", "TLSv1.3"}


def test_an_unencrypted_connection_is_refused(outputs: StackOutputs) -> None:
    database = outputs.database
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(
            host=database.host,
            port=database.port,
            dbname=database.name,
            user=database.user,
            password=outputs.database_password.get_secret_value(),
            sslmode="disable",
            connect_timeout=10,
        )


def test_another_authority_is_not_believed(outputs: StackOutputs) -> None:
    """Without the stack's own CA the server's certificate proves nothing."""
    database = outputs.database
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(
            host=database.host,
            port=database.port,
            dbname=database.name,
            user=database.user,
            password=outputs.database_password.get_secret_value(),
            sslmode="verify-full",
            sslrootcert="system",
            connect_timeout=10,
        )


def test_the_source_is_set_up_for_capture(connection: Connection) -> None:
    settings = connection.execute(
        "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
        [["wal_level", "max_replication_slots", "max_wal_senders", "password_encryption"]],
    ).fetchall()
    assert {row["name"]: row["setting"] for row in settings} == {
        "wal_level": "logical",
        "max_replication_slots": "4",
        "max_wal_senders": "4",
        "password_encryption": "scram-sha-256",
    }


def test_deleted_rows_keep_their_columns(connection: Connection, outputs: StackOutputs) -> None:
    rows = connection.execute(
        "SELECT relreplident::text AS identity FROM pg_class WHERE oid = ANY(%s::regclass[])",
        [list(outputs.tables)],
    ).fetchall()
    assert [row["identity"] for row in rows] == ["f"] * len(outputs.tables)
