"""The metrics that rules, dashboard and status use are really there, and count what happened."""

import time
import uuid

import psycopg
import pytest

from clients.cluster import Cluster
from clients.database import Row
from clients.metrics import Metrics, read_metrics
from clients.stack import StackOutputs
from components.sizing import BROKER_JVM, CONNECT_JVM
from polling import NotReadyError, poll_until
from tests.e2e.archived_changes import ArchivedChanges
from tests.promql import OF_THE_CLUSTER, OF_THE_REGISTRY, OF_THE_SETTINGS, metrics_asked_for

# The sandbox's archive.rotateIntervalMs.
COMMIT_SECONDS = 10
# Seconds from the archive's commit to its report.
REPORTED_SECONDS = 30


@pytest.fixture(scope="module")
def metrics(cluster: Cluster) -> Metrics:
    """What all pods say now; there must have been changes."""
    return read_metrics(cluster)


def change_rows(connection: psycopg.Connection[Row]) -> dict[int, int]:
    """Insert three users, update two, delete one; how many changes each key has."""
    ids = [
        connection.execute(
            "INSERT INTO users (email, first_name, last_name) VALUES (%s, 'a', 'b') RETURNING id",
            [f"{uuid.uuid4()}@example.com"],
        ).fetchone()["id"]  # type: ignore[index]
        for _ in range(3)
    ]
    connection.execute("UPDATE users SET last_name = 'c' WHERE id = ANY(%s)", [ids[:2]])
    connection.execute("DELETE FROM users WHERE id = %s", [ids[0]])
    return dict(zip(ids, (3, 2, 1), strict=True))


def counts(metrics: Metrics, checkpoint: str) -> dict[str, float]:
    """Return the changes of users at a checkpoint by operation."""
    where = {"table": "public.users", "checkpoint": checkpoint}
    return metrics.totals("cdc_events_total", "operation", **where)


def test_changes_are_counted_by_table_and_operation_where_they_pass(
    cluster: Cluster, connection: psycopg.Connection[Row], archived_changes: ArchivedChanges
) -> None:
    before = _settled(cluster)
    changes = change_rows(connection)
    _await_rate(cluster)
    for key, count in changes.items():
        archived_changes("public.users", key, count)
    after = _after_the_report(cluster, before)
    for checkpoint in ("source", "sink"):
        first, last = counts(before, checkpoint), counts(after, checkpoint)
        grown = {operation: last[operation] - first.get(operation, 0) for operation in "cud"}
        assert grown == {"c": 3, "u": 2, "d": 1}, checkpoint
    assert _grown(before, after, "archive_records_total", table="cdc.users") == 6
    assert _grown(before, after, "s3_upload_success_rate_total") >= 1


def _await_rate(cluster: Cluster) -> None:
    """Wait for the rate of users: a mean of the last seconds, 0 again when all is archived."""
    poll_until(
        lambda: read_metrics(cluster).total("cdc_events_per_second", table="public.users") > 0,
        timeout=REPORTED_SECONDS,
        interval=1,
        description="a rate of the changes",
    )


def _settled(cluster: Cluster) -> Metrics:
    """Return the metrics once what earlier tests wrote is archived: no commit adds any more."""
    last = read_metrics(cluster)

    def unchanged() -> Metrics:
        nonlocal last
        before, last = last, read_metrics(cluster)
        if added := _grown(before, last, "archive_records_total"):
            raise NotReadyError(f"{added:g} records were archived meanwhile")
        return last

    time.sleep(COMMIT_SECONDS + 2)
    return poll_until(
        unchanged,
        timeout=120,
        interval=COMMIT_SECONDS + 2,
        description="an archive to which nobody writes",
    )


def _after_the_report(cluster: Cluster, before: Metrics) -> Metrics:
    def reported() -> Metrics:
        now = read_metrics(cluster)
        count = _grown(before, now, "archive_records_total", table="cdc.users")
        if count < 6:
            raise NotReadyError(f"{count:g} of 6 records are counted")
        return now

    return poll_until(
        reported,
        timeout=REPORTED_SECONDS,
        interval=1,
        description="the sink's report of its commit",
    )


def _grown(before: Metrics, after: Metrics, name: str, **labels: str) -> float:
    return after.total(name, **labels) - before.total(name, **labels)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("cdc_events_per_second", {"table", "operation"}),
        ("kafka_consumer_lag", {"topic", "partition"}),
        ("s3_upload_success_rate_total", {"connector", "bucket"}),
        ("data_quality_score", {"checkpoint", "table"}),
    ],
)
def test_the_designs_metrics_have_its_labels(metrics: Metrics, name: str, labels: set[str]) -> None:
    samples = metrics.samples(name)
    assert samples
    assert {frozenset(sample.labels) for sample in samples} == {frozenset({*labels, "pod"})}


def test_the_lag_is_of_every_partition_of_every_table(
    metrics: Metrics, outputs: StackOutputs
) -> None:
    lag = metrics.samples("kafka_consumer_lag")
    assert {sample.labels["topic"] for sample in lag} == {f"postgres.{t}" for t in outputs.tables}
    assert len(lag) == 6 * len(outputs.tables)


def test_whole_events_score_one(metrics: Metrics) -> None:
    for checkpoint in ("source", "sink"):
        assert metrics.least("data_quality_score", checkpoint=checkpoint) == 1


def test_rules_and_dashboard_ask_for_metrics_that_are_there(metrics: Metrics) -> None:
    elsewhere = OF_THE_CLUSTER | OF_THE_REGISTRY | OF_THE_SETTINGS
    assert metrics_asked_for() - elsewhere - metrics.names == set()


def test_each_table_of_the_archive_is_measured(metrics: Metrics, outputs: StackOutputs) -> None:
    archived = set(outputs.archive.tables.values())
    for name in ("snapshots", "files", "bytes", "metadata_bytes", "maintained_timestamp_seconds"):
        values = metrics.totals(f"archive_table_{name}", "table")
        assert "cdc.users" in values
        assert values.keys() <= archived
        assert all(value > 0 for value in values.values())


def test_no_jvm_has_more_threads_than_its_memory_is_sized_for(metrics: Metrics) -> None:
    peaks = metrics.totals("jvm_threads_peak", "pod")
    assert len(peaks) == 4
    for pod, peak in peaks.items():
        profile = CONNECT_JVM if pod.startswith("kafka-connect") else BROKER_JVM
        assert peak <= profile.threads, pod


def test_the_sinks_rows_do_not_wait(metrics: Metrics, outputs: StackOutputs) -> None:
    assert metrics.totals("archive_interval_seconds", "connector") == {
        "s3-sink-connector": COMMIT_SECONDS
    }
    waiting = metrics.samples("archive_oldest_waiting_seconds", connector="s3-sink-connector")
    assert {sample.labels["topic"] for sample in waiting} == set(outputs.topics)


def test_every_jvm_shows_its_heap_below_its_bound(metrics: Metrics) -> None:
    most = metrics.totals("jvm_heap_bytes", "pod", kind="max")
    used = metrics.totals("jvm_heap_bytes", "pod", kind="used")
    assert len(most) == 4
    assert all(0 < used[pod] < most[pod] for pod in most)
