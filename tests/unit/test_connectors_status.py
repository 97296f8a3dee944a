"""A connector's state in one word, and a failed task's trace in a few lines."""

import pytest

from kafka_connect.status import Status, advice_for, explain, first_cause

NESTED = """org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:632)
Caused by: java.io.UncheckedIOException: Failed to close
\t... 11 more
Caused by: software.amazon.awssdk.services.s3.model.S3Exception: Access Denied (Service: S3)
\t... 20 more
"""


def status(connector: str, *tasks: str) -> Status:
    return Status(connector, tasks, ())


@pytest.mark.parametrize(
    ("observed", "summary", "running"),
    [
        (status("RUNNING", "RUNNING"), "RUNNING", True),
        (status("RUNNING"), "RUNNING", False),
        (status("RUNNING", "RUNNING", "UNASSIGNED"), "RUNNING", False),
        (status("UNASSIGNED", "UNASSIGNED"), "RUNNING", False),
        (status("RUNNING", "RUNNING", "FAILED"), "FAILED", False),
        (status("FAILED"), "FAILED", False),
        (status("PAUSED", "PAUSED"), "PAUSED", False),
        (status("STOPPED"), "STOPPED", False),
    ],
)
def test_the_summary_names_what_is_meant_and_nothing_that_passes(
    observed: Status, summary: str, running: bool
) -> None:
    assert observed.summary == summary
    assert observed.running is running


def test_tasks_come_in_the_order_of_their_numbers() -> None:
    observed = Status.from_response(
        {
            "connector": {"state": "RUNNING"},
            "tasks": [
                {"id": 10, "state": "FAILED", "trace": "tenth"},
                {"id": 9, "state": "RUNNING"},
            ],
        }
    )
    assert observed.tasks == ("RUNNING", "FAILED")
    assert observed.traces == ("tenth",)


def test_the_first_cause_is_the_innermost() -> None:
    assert first_cause(NESTED).endswith("S3Exception: Access Denied (Service: S3)")
    assert first_cause("java.lang.Error: alone\n\tat X") == "java.lang.Error: alone"
    assert first_cause("") == "no trace given"


def test_an_explanation_has_the_error_the_first_cause_and_what_to_do() -> None:
    lines = explain("sink", Status("RUNNING", ("FAILED",), (NESTED,))).splitlines()
    assert lines[0] == "connector sink failed (connector RUNNING, 0 of 1 tasks RUNNING)"
    assert lines[1].strip().startswith("error: org.apache.kafka.connect")
    assert lines[2].strip().startswith("cause: software.amazon.awssdk")
    assert "policy of the archive layer" in lines[3]


@pytest.mark.parametrize(
    ("trace", "advice"),
    [
        ('ERROR: replication slot "debezium_slot" is active for PID 7', "each its own slot"),
        ("FATAL: no pg_hba.conf entry for host, no encryption", "check sslmode"),
        (
            "Caused by: org.postgresql.util.PSQLException: SSL error: PKIX path validation failed:"
            " java.security.cert.CertPathValidatorException: signature check failed",
            "make doctor SOURCE=name",
        ),
        (
            "PSQLException: The hostname 127.0.0.2 could not be verified by hostnameverifier"
            " PgjdbcHostnameVerifier.",
            "does not accept a server's certificate",
        ),
        ("Publication autocreation is disabled, please create one", "made by the schema"),
        ("ERROR: permission denied for table users", "tables list"),
        ("ERROR: temporary file size exceeds temp_file_limit (1024kB)", "enable_sort = off"),
        ("NoSuchBucketException: The specified bucket does not exist", "archive layer deployed"),
        ("UnknownTopicOrPartitionException", "must be in the stack"),
        ("java.lang.NoClassDefFoundError: x/Y", "plugin folders"),
        ("java.net.UnknownHostException: postgresql", "NetworkPolicy"),
        ("java.lang.OutOfMemoryError: Java heap space", "fewer tasks"),
        (
            "Caused by: org.apache.kafka.connect.errors.DataException: Schema Registry refuses the"
            " new schema of subject postgres.public.users-value: TYPE_MISMATCH, at '/fields/1'",
            "bin/datapipe recover schema postgres.public.users-value.",
        ),
        (
            "datapipe.connect.RegistryUnavailableError: Schema Registry at http://r:8081 is"
            " unavailable, so records of t can't be converted\n\tat X\n"
            "Caused by: java.net.ConnectException: Connection refused",
            "no record is lost",
        ),
        ("something never seen", "kubectl -n data-ingestion logs --prefix --tail -1 -l app"),
    ],
)
def test_what_is_known_to_go_wrong_comes_with_what_to_do(trace: str, advice: str) -> None:
    assert advice in advice_for(trace)
