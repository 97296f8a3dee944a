"""The status finds every kind of problem and shows it first."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from math import nan

import pytest
from rich.console import Console

from clients.archived_tables import HourOfFiles, IcebergTable
from clients.bucket import Objects
from clients.captured_tables import Finding, findings_of_metrics
from clients.cluster import MEBIBYTE, Pod, Resources
from clients.connect import Connector, Task
from clients.metrics import Metrics, Sample
from clients.stack import ArchiveOutput, BudgetOutput, MaintenanceOutput
from clients.status.collect import Status, budget
from clients.status.health import problems
from clients.status.render import BAR, bar, print_status
from clients.status.sources import Slot, SourceState
from clients.status.unknown import Unknown
from clients.topics import Topic

POD = Pod(
    name="kafka-0",
    phase="Running",
    ready=True,
    why_not_ready="",
    restarts=0,
    out_of_memory_kills=0,
    limits=Resources(682 * MEBIBYTE, Decimal("0.5")),
    unlimited=(),
    used=Resources(341 * MEBIBYTE, Decimal("0.1")),
)
SOURCE = Connector("cdc", "source", "RUNNING", "", (Task(0, "RUNNING", ""),))
SINK = Connector("s3", "sink", "RUNNING", "", (Task(0, "RUNNING", ""), Task(1, "RUNNING", "")))
FAILED = replace(SINK, tasks=(Task(0, "FAILED", "x.Wrapped: outer\nCaused by: y.Real: inner"),))
INCOMPLETE = Sample("data_quality_score", {"table": "public.users", "checkpoint": "sink"}, 0.5)
SANDBOX = BudgetOutput(memory_mebibytes=3584, cpu_millicores=3500, storage_mebibytes=15360)
PROD = BudgetOutput(memory_mebibytes=51 * 1024, cpu_millicores=21000, storage_mebibytes=1228800)
SLOT = Slot(
    name="debezium_slot",
    connector="cdc",
    exists=True,
    active=True,
    wal_status="reserved",
    position="0/1A2B3C",
    behind=2048,
    kept=3 * MEBIBYTE,
    on_standby=False,
)
DATABASE = SourceState(
    name="postgres",
    is_only=True,
    address="10.231.0.1:30432/ecommerce",
    topic_prefix="postgres",
    label=None,
    tables=1,
    connectors=("cdc",),
    slots=[SLOT],
    changed=[],
)
HEALTHY = Status(
    budget=budget(SANDBOX),
    pods=[POD],
    connectors=[SOURCE, SINK],
    declared_connectors=("cdc", "s3"),
    topics=[Topic("postgres.public.users", partitions=6, retained=90, lag=5)],
    dead_letters=[Topic("s3-sink-dlq", partitions=3, retained=0, lag=0)],
    objects=Objects(count=3, size=5 * MEBIBYTE, newest=datetime(2026, 1, 1, tzinfo=UTC)),
    metrics=Metrics(
        [
            Sample("cdc_events_per_second", {"table": "public.users", "operation": "c"}, 12.5),
            Sample("cdc_events_per_second", {"table": "public.users", "operation": "d"}, 2),
            Sample("kafka_consumer_lag", {"topic": "postgres.public.users", "partition": "0"}, 41),
            Sample("kafka_consumer_lag", {"topic": "postgres.public.users", "partition": "1"}, 2),
            Sample("data_quality_score", {"table": "public.users", "checkpoint": "sink"}, 0.995),
            Sample("data_quality_score", {"table": "public.users", "checkpoint": "source"}, nan),
            Sample("jvm_heap_bytes", {"pod": "kafka-0", "kind": "used"}, 150 * MEBIBYTE),
            Sample("jvm_heap_bytes", {"pod": "kafka-0", "kind": "max"}, 299 * MEBIBYTE),
            Sample("jvm_gc_collection_seconds_count", {"pod": "kafka-0", "gc": "G1"}, 4),
            Sample("jvm_gc_collection_seconds_sum", {"pod": "kafka-0", "gc": "G1"}, 0.05),
        ]
    ),
    sources=[DATABASE],
)
ARCHIVE = ArchiveOutput(
    bucket="b",
    prefix="topics",
    sink="iceberg",
    tables={"public.users": "cdc.users"},
    catalog_database="cdc",
    region="us-east-1",
    endpoint=None,
)


def waiting(age: float) -> list[Sample]:
    """Return the metrics of a sink whose oldest record has an age, in seconds."""
    topic = {"connector": "s3", "topic": "postgres.public.users"}
    return [
        Sample("archive_interval_seconds", {"connector": "s3"}, 30),
        Sample("archive_oldest_waiting_seconds", topic, age),
    ]


LIMITS = MaintenanceOutput(late_after_seconds=3 * 3600, most_snapshots=1000)


def maintained(hours: float) -> IcebergTable:
    """Return a table whose last maintenance and oldest snapshot are so old."""
    moment = datetime.now(UTC) - timedelta(hours=hours)
    return IcebergTable(
        "public.users",
        metadata_bytes=512 * 1024,
        metadata_folder="topics/cdc.db/users/metadata",
        snapshots=1000,
        files=40,
        bytes=60 * MEBIBYTE,
        maintained=moment,
        oldest_snapshot=moment,
    )


USERS = maintained(hours=2)


def test_a_maintained_archive_is_no_problem() -> None:
    """Nor is a table that the sink has not created yet, or an archive that others maintain."""
    healthy = replace(HEALTHY, archived=[USERS, IcebergTable("public.new")], maintenance=LIMITS)
    assert problems(healthy) == []
    assert problems(replace(HEALTHY, archived=[maintained(hours=999)])) == []
    glue = LIMITS.model_copy(update={"late_after_seconds": None})
    assert problems(replace(healthy, archived=[maintained(hours=999)], maintenance=glue)) == []


def test_a_connector_whose_tasks_have_an_earlier_configuration_is_not_healthy() -> None:
    behind = replace(SINK, earlier=("topics", "transforms"))
    status = replace(HEALTHY, connectors=[SOURCE, behind])
    (problem,) = problems(status)
    assert problem.startswith(
        "connector s3 runs with an earlier configuration, which differs in topics, transforms."
    )
    assert "kubectl -n data-ingestion logs" in problem
    text = StringIO()
    print_status(Console(file=text, width=160), ARCHIVE, status)
    assert "RUNNING with an earlier configuration" in text.getvalue()


def _changed(finding: Finding) -> Status:
    return replace(HEALTHY, sources=[replace(DATABASE, changed=[finding])])


def on_one_space(status: Status) -> str:
    """Return what the status prints, with one space for each gap."""
    return re.sub(" +", " ", shown(status))


def test_each_table_of_the_archive_is_shown() -> None:
    bucket = Objects(9, 5 * MEBIBYTE, None, {"topics/cdc.db/users/metadata": 3 * MEBIBYTE})
    tables = [
        USERS,
        replace(USERS, table="public.old", metadata_folder="f", maintained=None, files=0),
        IcebergTable("public.new"),
    ]
    lines = on_one_space(replace(HEALTHY, archived=tables, objects=bucket)).splitlines()
    assert "✓ public.users 1000 40 1.5 MiB 512.0 KiB 3.0 MiB 2 h ago" in map(str.strip, lines)
    assert "✓ public.old 1000 0 – 512.0 KiB – never" in map(str.strip, lines)
    assert "✓ public.new – – – – – –" in map(str.strip, lines)


def test_an_archive_that_was_not_counted_to_its_end_says_so() -> None:
    counted = Objects(7, MEBIBYTE, None, {"topics/cdc.db/users/metadata": 5}, complete=False)
    text = on_one_space(replace(HEALTHY, archived=[USERS], objects=counted))
    assert "s3://b/topics: at least 7 objects, 1.0 MiB\n" in text
    assert "512.0 KiB – 2 h ago" in text


def test_plain_files_are_shown_for_the_last_hour_that_is_over() -> None:
    hour = datetime(2026, 1, 2, 23, tzinfo=UTC)
    tables = [
        HourOfFiles("public.users", hour, files=4, bytes=84 * 1024),
        HourOfFiles("public.orders", hour, files=10_000, bytes=0, complete=False),
        HourOfFiles("public.items", hour, files=0, bytes=0),
    ]
    text = on_one_space(replace(HEALTHY, archived=tables))
    assert "table hour (UTC) files mean file" in text
    assert "public.users 2026-01-02 23 4 21.0 KiB" in text
    assert "public.orders 2026-01-02 23 at least 10000 0.0 KiB" in text
    assert "public.items 2026-01-02 23 0 –" in text


def test_certificates_that_last_are_no_problem() -> None:
    lasting = replace(HEALTHY, certificates_end=datetime.now(UTC) + timedelta(days=31))
    assert problems(lasting) == problems(HEALTHY)


def test_a_healthy_pipeline_has_no_problem() -> None:
    assert problems(HEALTHY) == []
    within_the_limit = [*waiting(age=120), Sample("registry_unavailable_seconds", {}, 0)]
    assert problems(replace(HEALTHY, metrics=Metrics(within_the_limit))) == []
    left = Metrics([Sample("registry_refused_schema", {"subject": "t-value"}, 0)])
    assert problems(replace(HEALTHY, metrics=left)) == []


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (
            replace(HEALTHY, dead_letters=[Topic("s3-sink-dlq", 3, retained=9, lag=2)]),
            "s3-sink-dlq holds 2 records that were not archived; bin/datapipe dlq list shows why",
        ),
        (
            replace(HEALTHY, dead_letters=[Topic("s3-sink-dlq", 3, 101, lag=0, recent=101)]),
            "s3-sink-dlq received 101 records in the last hour; the limit is 100",
        ),
        (
            replace(HEALTHY, metrics=Metrics([INCOMPLETE])),
            "50.0% of the events of public.users are complete at the sink; the others lack their"
            " key, operation, commit time or WAL position",
        ),
        (
            replace(HEALTHY, metrics=Metrics(waiting(age=121))),
            "rows of postgres.public.users have waited for 121 s to be archived; s3 should need 30"
            " s",
        ),
        (
            # The connector has moved from one worker to the other, and both show it for a moment.
            replace(HEALTHY, metrics=Metrics([*waiting(age=0), *waiting(age=121)])),
            "rows of postgres.public.users have waited for 121 s to be archived; s3 should need 30"
            " s",
        ),
        (
            replace(HEALTHY, metrics=Metrics([Sample("registry_unavailable_seconds", {}, 75)])),
            "Schema Registry has been unavailable to the workers for 75 s; records wait and none is"
            " lost",
        ),
        (
            replace(
                HEALTHY,
                metrics=Metrics([Sample("registry_refused_schema", {"subject": "t-value"}, 1)]),
            ),
            "Schema Registry refuses the new schema of subject t-value. A column got a type that"
            " its earlier values do not fit, and the registry's compatibility forbids that. To"
            " register it nevertheless: bin/datapipe recover schema t-value. The archive then has"
            " the values of both types.",
        ),
        (
            replace(HEALTHY, metrics=Unknown("Metrics", "503")),
            "can't reach Metrics: 503",
        ),
        (replace(HEALTHY, pods=[]), "no pod is running"),
        (
            replace(HEALTHY, pods=[replace(POD, ready=False, why_not_ready="c: ErrImagePull")]),
            "pod kafka-0 is not ready: c: ErrImagePull",
        ),
        (
            replace(HEALTHY, pods=[replace(POD, out_of_memory_kills=1)]),
            "pod kafka-0 was killed at its memory limit",
        ),
        (
            replace(HEALTHY, pods=[replace(POD, unlimited=("sidecar",))]),
            "pod kafka-0 has containers without limits: sidecar",
        ),
        (
            replace(HEALTHY, pods=[replace(POD, limits=Resources(3585 * MEBIBYTE, Decimal(1)))]),
            "limits add up to 3585Mi and 1 CPU; the stack's budget is 3584Mi and 3.5 CPU"
            " (datapipe:budget)",
        ),
        (
            replace(HEALTHY, connectors=[SOURCE]),
            "connector s3 does not exist; make refresh and make up create it again",
        ),
        (
            replace(HEALTHY, connectors=[SOURCE, replace(SINK, tasks=())]),
            "connector s3 is RUNNING, without a task",
        ),
        (
            replace(HEALTHY, connectors=[SOURCE, FAILED]),
            "connector s3: y.Real: inner. The workers' logs have the whole story: kubectl"
            " -n data-ingestion logs --prefix --tail -1 -l app.kubernetes.io/name=kafka-connect.",
        ),
        (
            _changed(Finding("missed", "public.users", "it was dropped")),
            "public.users: it was dropped; make recover repairs it and reads the table again",
        ),
        (
            _changed(Finding("refused", None, "type mood is an enum")),
            "type mood is an enum",
        ),
        (
            replace(HEALTHY, certificates_end=datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
            "the first of Kafka's certificates ends on 2026-01-02 03:04 UTC; from then on its"
            " client is refused. make up renews it",
        ),
        (
            replace(HEALTHY, objects=Unknown("S3", "connection refused")),
            "can't reach S3: connection refused",
        ),
        (
            replace(HEALTHY, archived=[replace(USERS, snapshots=1001)], maintenance=LIMITS),
            "the archive of public.users has 1001 snapshots; maintenance should keep it below 1000."
            " Every commit writes them, and they fill the worker's heap",
        ),
        (
            replace(HEALTHY, archived=[maintained(hours=4)], maintenance=LIMITS),
            "the archive of public.users was last maintained 4 h ago; it is due every 3 h. make"
            " maintain runs it now",
        ),
        (
            replace(
                HEALTHY,
                archived=[replace(maintained(hours=50), maintained=None)],
                maintenance=LIMITS,
            ),
            "the archive of public.users was never maintained; it began 2 d ago; it is due every 3"
            " h. make maintain runs it now",
        ),
        (
            replace(HEALTHY, archived=[replace(USERS, unread="503 Slow Down")]),
            "the archive of public.users can't be measured: 503 Slow Down",
        ),
        (replace(HEALTHY, archived=Unknown("the archive", "403")), "can't reach the archive: 403"),
    ],
)
def test_every_problem_is_reported(status: Status, problem: str) -> None:
    assert problem in problems(status)


def test_without_a_way_to_the_database_the_workers_metrics_say_which_table_it_is() -> None:
    states = {"public.users": 1.0, "public.orders": 0.0, "public.products": nan}
    samples = [
        Sample("cdc_table_captured", {"table": table}, value) for table, value in states.items()
    ]
    (found,) = findings_of_metrics(Metrics(samples))
    assert str(found).startswith("public.orders: it is not the table that is captured")


@pytest.mark.parametrize(
    ("output", "mebibytes", "cpu"), [(SANDBOX, 3584, "3.5"), (PROD, 52224, "21")]
)
def test_limits_are_compared_with_the_stacks_own_budget(
    output: BudgetOutput, mebibytes: int, cpu: str
) -> None:
    limits = Resources(mebibytes * MEBIBYTE, Decimal(cpu))
    full = replace(HEALTHY, budget=budget(output), pods=[replace(POD, limits=limits)])
    assert problems(full) == []
    assert f"{mebibytes} MiB  {mebibytes} MiB" in shown(full)
    for more in (Resources(memory=MEBIBYTE), Resources(cpu=Decimal("0.001"))):
        over = replace(full, pods=[replace(POD, limits=limits + more)])
        (problem,) = problems(over)
        assert f"the stack's budget is {mebibytes}Mi and {Decimal(cpu)} CPU" in problem


def test_dead_letters_come_first() -> None:
    letters = [Topic("connect-dlq", 3, retained=1, lag=1)]
    status = replace(HEALTHY, pods=[], connectors=[], dead_letters=letters)
    assert problems(status)[0].startswith("connect-dlq")


def test_an_unreachable_part_is_reported_once_and_hides_no_other() -> None:
    away = Unknown("Kafka", "no broker answers")
    status = replace(HEALTHY, topics=away, dead_letters=away)
    assert problems(status) == ["can't reach Kafka: no broker answers"]
    assert "kafka-0" in shown(status)


def test_every_part_is_shown() -> None:
    text = shown(HEALTHY)
    for part in ("healthy", "341", "682", "postgres.public.users", "3 objects, 5.0 MiB", "3584"):
        assert part in text


def test_metrics_are_shown_with_the_topics_and_the_jvms() -> None:
    (topic,) = (line for line in shown(HEALTHY).splitlines() if "postgres.public.users" in line)
    assert topic.split()[1:] == ["6", "5", "43", "14.5", "12.5", "0.0", "2.0", "99.5%"]
    (jvm,) = (line for line in shown(HEALTHY).splitlines() if "299" in line)
    assert jvm.split()[2:] == ["150", "299", "4", "12.5", "ms", "0"]


def test_without_metrics_the_rest_is_shown() -> None:
    text = shown(replace(HEALTHY, metrics=Metrics([])))
    (topic,) = (line for line in text.splitlines() if "postgres.public.users" in line)
    assert topic.split() == ["postgres.public.users", "6", "5", *"––––––"]
    assert "JVMs" not in text


def test_replayed_dead_letters_are_not_a_problem() -> None:
    replayed = [Topic("s3-sink-dlq", partitions=3, retained=7, lag=0, recent=7)]
    assert problems(replace(HEALTHY, dead_letters=replayed)) == []
    assert "0 of 7 pending, 7 of the last hour" in shown(replace(HEALTHY, dead_letters=replayed))


def test_a_failed_tasks_trace_is_shown() -> None:
    assert "x.Wrapped: outer" in shown(replace(HEALTHY, connectors=[SOURCE, FAILED]))


def test_many_tasks_leave_room_for_the_connectors_names() -> None:
    tasks = [Task(number, "RUNNING", "") for number in range(24)]
    tasks[3], tasks[7] = Task(3, "FAILED", "y.Real: inner"), Task(7, "FAILED", "y.Real: inner")
    sink = replace(SINK, name="a-connector-with-a-long-name", tasks=tuple(tasks))
    text = StringIO()
    print_status(Console(file=text, width=100), ARCHIVE, replace(HEALTHY, connectors=[sink]))
    (line,) = (one for one in text.getvalue().splitlines() if "sink  RUNNING" in one)
    assert "a-connector-with-a-long-name" in line
    assert line.split("  ")[-1].strip() == "22 of 24 RUNNING; FAILED: 3, 7"


def test_a_bar_has_one_length() -> None:
    assert bar(0, 100) == "░" * BAR
    assert bar(100, 100) == "█" * BAR
    assert bar(50, 100, 75) == "█" * (BAR // 2) + "▒" * (BAR // 4) + "░" * (BAR // 4)
    assert bar(150, 100) == "█" * BAR


def shown(status: Status) -> str:
    """Return the text of a status."""
    text = StringIO()
    print_status(Console(file=text, width=160), ARCHIVE, status)
    return text.getvalue()
