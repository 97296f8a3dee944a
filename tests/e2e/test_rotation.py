"""Rotating every credential while rows flow: no event is lost, and the old ones are refused.

Two rotations, to the next version and back, as going back is one as well; afterwards the stack is
again as its file says.
"""

import base64
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import yaml

from clients.archive import open_archive
from clients.cluster import Cluster
from clients.connect import connectors
from clients.stack import PROJECT, StackOutputs, read_outputs
from tests.e2e.flowing import flowing
from workload.differences import TableComparison
from workload.timeouts import Timeouts

STACK = "sandbox"
STACK_FILE = PROJECT / f"Pulumi.{STACK}.yaml"
TIMEOUTS = Timeouts(arrival=120, settle=12)


@dataclass(frozen=True)
class Credentials:
    """What is valid at a time."""

    superuser: tuple[str, str]
    """name and password"""
    debezium: tuple[str, str]
    access_key: str


@dataclass(frozen=True)
class Moment:
    """What could be used at one moment of a rotation."""

    users: frozenset[str]
    access_keys: frozenset[str]
    worker: str | None
    """name of the worker's pod that is ready"""


@dataclass
class Rotation:
    """A rotation, as seen from outside."""

    before: Credentials
    after: Credentials
    moments: list[Moment]
    old_logins: list[str | None]
    """PostgreSQL's answers to the old passwords of superuser and debezium; None: let in"""
    new_logins: list[str | None]
    access_keys: frozenset[str]
    """of the sink's user at the end"""


@dataclass
class Evidence:
    """What both rotations have shown."""

    rotations: list[Rotation]
    compared: list[TableComparison]
    outages: list[float]
    """seconds for which the writer had no connection"""
    flowed: list[int]
    """changes committed during each"""
    postgresql: list[tuple[str, int]]
    """uid and restarts of its pod, before and after"""
    running: bool
    """whether all connectors run in the end"""


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Two rotations under load."""
    next_version = stack_file_of_next_version(tmp_path_factory.mktemp("rotation"))
    outputs = read_outputs(STACK)
    cluster = Cluster(outputs)
    postgresql, rotations, flowed = [pod_identity(cluster)], [], []
    try:
        with flowing(outputs) as flow:
            for stack_file in (next_version, STACK_FILE):
                begun = len(flow.changes())
                rotations.append(rotate(stack_file))
                flowed.append(len(flow.changes()) - begun)
        compared = flow.compared(open_archive(outputs.archive), TIMEOUTS)
    except BaseException:
        up(STACK_FILE)
        raise
    postgresql.append(pod_identity(cluster))
    running = all(each.runs for each in connectors(cluster, outputs.connect))
    yield Evidence(rotations, compared, flow.writer.outages, flowed, postgresql, running)


def stack_file_of_next_version(folder: Path) -> Path:
    """Return a copy of the stack's file with the next version of the credentials."""
    document = yaml.safe_load(STACK_FILE.read_text())
    security = document["config"].get("datapipe:security", {})
    version = security.get("credentialsVersion", 1) + 1
    document["config"]["datapipe:security"] = {**security, "credentialsVersion": version}
    path = folder / STACK_FILE.name
    path.write_text(yaml.safe_dump(document))
    return path


def rotate(stack_file: Path) -> Rotation:
    """Run the update, looking meanwhile at what is valid."""
    outputs = read_outputs(STACK)
    before, moments = credentials(outputs), []
    cluster = Cluster(outputs)
    with ThreadPoolExecutor(max_workers=1) as pool:
        updating: Future[None] = pool.submit(up, stack_file)
        superuser = open_session(outputs, before.superuser)
        while not updating.done():
            moments.append(look(cluster, outputs, superuser))
            time.sleep(1)
        updating.result()
        superuser.close()
    renewed = read_outputs(STACK)
    after = credentials(renewed)
    return Rotation(
        before,
        after,
        moments,
        [refusal(renewed, account) for account in (before.superuser, before.debezium)],
        [refusal(renewed, account) for account in (after.superuser, after.debezium)],
        access_keys(renewed),
    )


def up(stack_file: Path) -> None:
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK]
    done = subprocess.run(
        [*command, "--config-file", str(stack_file)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def credentials(outputs: StackOutputs) -> Credentials:
    """Return what the stack's outputs and the worker's Secret hold now."""
    path = f"/api/v1/namespaces/{outputs.namespace}/secrets/kafka-connect"
    encoded: dict[str, str] = Cluster(outputs).get(path)["data"]
    worker = {name: base64.b64decode(value).decode() for name, value in encoded.items()}
    return Credentials(
        superuser=(outputs.database.user, outputs.database_password.get_secret_value()),
        debezium=(worker["DBZ_DB_USERNAME"], worker["DBZ_DB_PASSWORD"]),
        access_key=worker["AWS_ACCESS_KEY_ID"],
    )


def look(cluster: Cluster, outputs: StackOutputs, superuser: psycopg.Connection[Any]) -> Moment:
    users = superuser.execute(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'debezium%' AND rolcanlogin"
    ).fetchall()
    pods = [pod for pod in cluster.pods() if pod.name.startswith("kafka-connect") and pod.ready]
    return Moment(
        users=frozenset(user for (user,) in users),
        access_keys=access_keys(outputs),
        worker=pods[0].name if pods else None,
    )


def access_keys(outputs: StackOutputs) -> frozenset[str]:
    """Return the access keys of the sink's user, which is named after the bucket."""
    where = outputs.archive
    iam = boto3.client("iam", endpoint_url=where.endpoint, region_name=where.region)
    listed = iam.list_access_keys(UserName=where.bucket)["AccessKeyMetadata"]
    return frozenset(key["AccessKeyId"] for key in listed)


def open_session(outputs: StackOutputs, account: tuple[str, str]) -> psycopg.Connection[Any]:
    database = outputs.database
    return psycopg.connect(
        host=database.host,
        port=database.port,
        dbname=database.name,
        user=account[0],
        password=account[1],
        sslmode="require",
        connect_timeout=10,
        autocommit=True,
    )


def refusal(outputs: StackOutputs, account: tuple[str, str]) -> str | None:
    """Return why PostgreSQL refuses the account."""
    try:
        open_session(outputs, account).close()
    except psycopg.OperationalError as error:
        return str(error)
    return None


def pod_identity(cluster: Cluster) -> tuple[str, int]:
    pod = cluster.get(f"/api/v1/namespaces/{cluster.namespace}/pods/postgresql-0")
    return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]


def test_every_change_made_meanwhile_is_archived_once(evidence: Evidence) -> None:
    assert min(evidence.flowed) >= 500
    assert all(table.agrees for table in evidence.compared), evidence.compared
    assert sum(table.committed for table in evidence.compared) >= sum(evidence.flowed)
    assert evidence.outages == []
    assert evidence.running


def test_every_credential_is_another_one(evidence: Evidence) -> None:
    for each in evidence.rotations:
        assert each.before.superuser[1] != each.after.superuser[1]
        assert each.before.debezium[0] != each.after.debezium[0]
        assert each.before.debezium[1] != each.after.debezium[1]
        assert each.before.access_key != each.after.access_key


def test_the_old_ones_are_refused_and_the_new_ones_work(evidence: Evidence) -> None:
    for each in evidence.rotations:
        assert each.new_logins == [None, None]
        for answer in each.old_logins:
            assert answer is not None
            assert "password authentication failed" in answer
        assert each.access_keys == {each.after.access_key}


def test_the_old_ones_are_valid_until_the_worker_has_moved_on(evidence: Evidence) -> None:
    for each in evidence.rotations:
        old_user, new_user = each.before.debezium[0], each.after.debezium[0]
        first_worker = each.moments[0].worker
        moved_on = [one for one in each.moments if one.worker not in {None, first_worker}]
        assert first_worker is not None
        assert moved_on
        for moment in each.moments[: each.moments.index(moved_on[0])]:
            assert old_user in moment.users
            assert each.before.access_key in moment.access_keys
        both = [one for one in each.moments if one.users >= {old_user, new_user}]
        assert both, "the new account was made only after the old one was gone"


def test_postgresql_was_not_restarted(evidence: Evidence) -> None:
    before, after = evidence.postgresql
    assert before == after
