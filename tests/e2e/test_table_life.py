"""Captured tables are dropped, swapped, attached to and published by halves: seen and repaired."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from clients.archive import Archive, IcebergArchive
from clients.captured_tables import METRIC, findings
from clients.cluster import Cluster
from clients.connect import connectors
from clients.database import Row
from clients.metrics import read_metrics
from clients.recover import tables as recovery
from clients.stack import StackOutputs
from clients.status.collect import collect
from clients.status.health import problems
from clients.update import changed_stack_file
from polling import NotReadyError, poll_until
from tests.e2e.listed_tables import remove_tables
from tests.engine.pulumi_project import PROJECT, STACK, Project

Connection = psycopg.Connection[Row]
NAMES = ("life_dropped", "life_emptied", "life_swapped", "life_parted", "life_narrow")
TABLES = tuple(f"public.{name}" for name in NAMES)
ARCHIVED_SECONDS = 90
# The worker checks every 15 s; the kubelet brings it the query with added tables within 90 s.
NOTICED_SECONDS = 120

CREATED = """
CREATE TABLE life_dropped (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE life_emptied (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE life_swapped (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE life_narrow (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE life_parted (id int PRIMARY KEY, v text NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE life_parted_1 PARTITION OF life_parted FOR VALUES FROM (0) TO (10);
CREATE TABLE life_parted_2 PARTITION OF life_parted FOR VALUES FROM (10) TO (20);
INSERT INTO life_dropped VALUES (1, 'before'), (2, 'before');
INSERT INTO life_emptied VALUES (1, 'before'), (2, 'before');
INSERT INTO life_swapped VALUES (1, 'before'), (2, 'before');
INSERT INTO life_narrow VALUES (1, 'before'), (2, 'before');
INSERT INTO life_parted VALUES (1, 'before'), (11, 'before');
"""
LIVED = """
DROP TABLE life_dropped;
CREATE TABLE life_dropped (id int PRIMARY KEY, v text NOT NULL);
INSERT INTO life_dropped VALUES (2, 'new'), (3, 'new');
DROP TABLE life_emptied;
CREATE TABLE life_emptied (id int PRIMARY KEY, v text NOT NULL);
CREATE TABLE life_next (LIKE life_swapped INCLUDING ALL);
INSERT INTO life_next VALUES (2, 'new'), (4, 'new');
ALTER TABLE life_swapped RENAME TO life_swapped_old;
ALTER TABLE life_next RENAME TO life_swapped;
INSERT INTO life_swapped_old VALUES (5, 'not of this table');
CREATE TABLE life_parted_3 (LIKE life_parted INCLUDING ALL);
INSERT INTO life_parted_3 VALUES (21, 'attached');
ALTER TABLE life_parted ATTACH PARTITION life_parted_3 FOR VALUES FROM (20) TO (30);
ALTER TABLE life_parted DETACH PARTITION life_parted_2;
ALTER TABLE life_narrow REPLICA IDENTITY DEFAULT;
ALTER PUBLICATION dbz_publication DROP TABLE life_narrow;
ALTER PUBLICATION dbz_publication ADD TABLE life_narrow (id);
UPDATE life_narrow SET v = 'narrow' WHERE id = 1;
DELETE FROM life_narrow WHERE id = 2;
"""
REMOVED = """
DROP TABLE IF EXISTS life_dropped, life_emptied, life_swapped, life_swapped_old, life_next,
    life_narrow, life_parted, life_parted_2, life_parted_3
"""


def run(connection: Connection, statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        connection.execute(statement)


@pytest.fixture
def project() -> Project:
    """The deployed stack."""
    return Project(PROJECT, STACK, os.environ)


@pytest.fixture
def stack_file(
    outputs: StackOutputs, connection: Connection, project: Project, archive: Archive
) -> Iterator[Path]:
    """The sandbox's stack file with the tables, deployed; without them in the end."""
    run(connection, REMOVED)
    run(connection, CREATED)
    try:
        with changed_stack_file(STACK, {"datapipe:tables": [*outputs.tables, *TABLES]}) as file:
            project.pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
            yield file
    finally:
        remove_tables(project, TABLES)
        run(connection, REMOVED)
        for table in TABLES:
            IcebergArchive(outputs.archive).purge(table)


def current(archive: Archive, table: str) -> dict[int, str]:
    """Return the archive's current state: the last change of each key after the last TRUNCATE."""
    rows = sorted(archive.changes(table).to_pylist(), key=lambda row: int(row["__source_lsn"]))
    state: dict[int, str] = {}
    for row in rows:
        if row["__op"] == "t":
            state.clear()
        elif row["__op"] == "d":
            state.pop(row["id"], None)
        else:
            state[row["id"]] = row["v"]
    return state


def of_postgresql(connection: Connection, table: str) -> dict[int, str]:
    rows = connection.execute(f"SELECT id, v FROM {table}").fetchall()  # noqa: S608
    return {row["id"]: row["v"] for row in rows}


def await_equal(archive: Archive, connection: Connection) -> None:
    def equal() -> bool:
        for table in TABLES:
            archived, present = current(archive, table), of_postgresql(connection, table)
            if archived != present:
                raise NotReadyError(f"{table}: {archived}, not {present}")
        return True

    poll_until(equal, timeout=ARCHIVED_SECONDS, interval=2, description="the archive's equality")


def await_noticed(cluster: Cluster, tables: set[str]) -> None:
    """Wait until the worker's metric is 0 for these tables and 1 for all others."""

    def noticed() -> bool:
        states = read_metrics(cluster).totals(METRIC, "table")
        if {table for table, state in states.items() if state == 0} != tables:
            raise NotReadyError(str(states))
        return True

    poll_until(noticed, timeout=NOTICED_SECONDS, interval=1, description=f"{METRIC} of {tables}")


def test_tables_that_change_beneath_the_pipeline_are_noticed_and_read_again(
    *,
    stack_file: Path,
    project: Project,
    outputs: StackOutputs,
    connection: Connection,
    archive: Archive,
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = outputs.model_copy(update={"tables": (*outputs.tables, *TABLES)})
    await_equal(archive, connection)
    await_noticed(cluster, set())

    run(connection, LIVED)
    await_noticed(cluster, set(TABLES))
    assert {finding.table for finding in findings(stack, cluster)} == set(TABLES)
    told = "\n".join(problems(collect(stack, cluster)))
    assert all(f"{table}: " in told for table in TABLES), told
    preview = project.pulumi(
        *("preview", "--refresh", "--diff", "--expect-no-changes"),
        *("--config-file", str(stack_file)),
        check=False,
    )
    assert preview.code != 0
    assert all(f"{table}: " in preview.output for table in TABLES), preview.output

    update = tmp_path / "up.sh"
    command = f"exec pulumi up --yes --skip-preview --stack {STACK} --config-file {stack_file}"
    update.write_text(f"#!/bin/sh\n{command}\n")
    update.chmod(update.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("clients.update.UPDATE", update)
    assert len(recovery.recover_tables(STACK, [stack], (), print)) == len(TABLES)
    await_noticed(cluster, set())

    run(connection, "INSERT INTO life_dropped VALUES (9, 'after'); DELETE FROM life_swapped")
    run(connection, "INSERT INTO life_parted VALUES (22, 'after'); UPDATE life_narrow SET v = 'u'")
    await_equal(archive, connection)
    present = {one.name for one in connectors(cluster, outputs.connect)}
    assert present == set(outputs.connectors), "the reader is gone"
    again = recovery.recover_tables(STACK, [stack], (), print)
    assert again == [], "nothing is left to repair"
