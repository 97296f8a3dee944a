"""A connector's state as Connect reports it, and why its tasks failed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# For which RUNNING must last: a task is RUNNING before it has opened its first connection.
SETTLE_SECONDS = 5.0

# Transitional states, which are not drift.
IN_TRANSITION = frozenset({"UNASSIGNED", "RESTARTING"})

# The summary of a connector that runs while its tasks do not have its configuration.
OUTDATED = "RUNNING with an earlier configuration"
# How many of the differing keys a message names.
NAMED_KEYS = 5


@dataclass(frozen=True)
class Status:
    """The state of a connector and its tasks."""

    connector: str
    tasks: tuple[str, ...]
    traces: tuple[str, ...]
    """Java stack traces of what failed, the connector's own first."""
    earlier: tuple[str, ...] = ()
    """the keys in which running tasks have an earlier configuration (task_configs.py)"""

    @classmethod
    def from_response(cls, answer: Mapping[str, Any]) -> "Status":
        """From Connect's answer to GET /connectors/…/status."""
        tasks = sorted(answer.get("tasks", ()), key=lambda task: int(task["id"]))
        parts = [answer["connector"], *tasks]
        return cls(
            connector=str(answer["connector"]["state"]),
            tasks=tuple(str(task["state"]) for task in tasks),
            traces=tuple(str(part["trace"]) for part in parts if part.get("trace")),
        )

    @property
    def running(self) -> bool:
        """The connector and every task run; one without tasks does nothing yet."""
        return self.connector == "RUNNING" and bool(self.tasks) and set(self.tasks) == {"RUNNING"}

    def reached(self, state: str) -> bool:
        """Return whether the connector and its tasks are as wanted; a stopped one has no tasks."""
        if state == "RUNNING":
            return self.running and not self.earlier
        return self.connector == state and set(self.tasks) <= {state}

    @property
    def failed(self) -> bool:
        """The connector or a task has failed and will not come back by itself."""
        return "FAILED" in (self.connector, *self.tasks)

    @property
    def summary(self) -> str:
        """One word for all of it; RUNNING also while tasks move from worker to worker."""
        if self.failed:
            return "FAILED"
        if self.earlier:
            return OUTDATED
        return "RUNNING" if self.connector in IN_TRANSITION else self.connector

    def progress(self) -> str:
        """For people who wait."""
        running = self.tasks.count("RUNNING")
        states = f"connector {self.connector}, {running} of {len(self.tasks)} tasks RUNNING"
        return f"{states}, {describe_earlier(self.earlier)}" if self.earlier else states


def describe_earlier(keys: Sequence[str]) -> str:
    """Return in words that tasks have an earlier configuration, which differs in these keys."""
    others = len(keys) - NAMED_KEYS
    more = f" and {others} more" if others > 0 else ""
    return f"with an earlier configuration, which differs in {', '.join(keys[:NAMED_KEYS])}{more}"


# What to do where tasks keep an earlier configuration; also where a new connector gets no tasks.
RECONFIGURATION_ADVICE = (
    "Kafka Connect has stored the configuration and can't give it to the tasks; it tries again and"
    " again. The worker's log has the reason: kubectl -n data-ingestion logs --prefix --tail -1 -l"
    " app.kubernetes.io/name=kafka-connect | grep -A 1 'Failed to reconfigure'"
)


# Known causes of failure, as patterns of a trace, each with what helps; \1 is the pattern's first
# group.
ADVICE = (
    (
        r"make recover ROW=(\S+/[0-9a-f]{16})",
        "Raise kafka.maxRowSize in the stack file and run make up, or archive the row without its"
        r" largest values: make recover ROW=\1",
    ),
    (
        r"Run make recover SOURCE=(\w+)",
        "Changes are missing, so the connector does not go on. If its host leads to the wrong"
        r" server, correct that; otherwise: make recover SOURCE=\1.",
    ),
    (
        r"temporary file size exceeds temp_file_limit",
        "PostgreSQL sorts a table whose key is random into temporary files before it sends the"
        " first row. Let a superuser run ALTER ROLE … SET enable_sort = off for the account that"
        " captures, which then reads such tables by their index, slowly; or raise temp_file_limit"
        " where the volume has room for a second copy of the table. The managed database's limit"
        ' is a share of sizing.postgresqlStorage (docs/TUNING.md, "Rows in the order of a random'
        ' key").',
    ),
    (
        r"RecordTooLargeException|RecordBatchTooLarge",
        "A record is larger than Kafka accepts: raise kafka.maxRowSize in the stack file.",
    ),
    (
        r"refuses the new schema of subject ([^\s:]+)",
        "A column got a type that its earlier values do not fit, and the registry's compatibility"
        r" forbids that. To register it nevertheless: bin/datapipe recover schema \1."
        " The archive then has the values of both types.",
    ),
    (
        r"Schema Registry at \S+ is unavailable",
        "Schema Registry does not answer, or refuses the worker's password: look at its pod. The"
        " task is restarted until it answers; no record is lost.",
    ),
    (
        r"password authentication failed|no password was provided",
        "The database refuses the password: the worker's environment (DBZ_DB_USERNAME,"
        " DBZ_DB_PASSWORD) and the database disagree. Was the worker restarted after a rotation?",
    ),
    (
        r"no pg_hba\.conf entry|SSL (is )?(off|required)|server does not support SSL",
        "The database accepts TLS connections of this user only: check sslmode and pg_hba.conf.",
    ),
    (
        r"PKIX path|CertPathValidator|hostname .* could not be verified",
        "The worker does not accept a server's certificate. If it is an existing database's, make"
        " doctor SOURCE=name says why and which key of the stack file helps.",
    ),
    (
        r"replication slot .* is active",
        "Another reader holds the replication slot: an earlier connector, or another stack on the"
        " same database. SELECT * FROM pg_replication_slots shows it; give each its own slot.",
    ),
    (
        r"all replication slots are in use",
        "The database is out of replication slots: drop unused ones or raise maxReplicationSlots.",
    ),
    (
        r"publication .* does not exist|Publication autocreation is disabled",
        "The publication is made by the schema, not by the connector: run make up, or for an"
        " existing database its SQL (make source-sql), again. If the publication exists, it was"
        " dropped and created again, and PostgreSQL can't decode the changes in between: drop"
        " the replication slot (SELECT pg_drop_replication_slot('…')), then make recover"
        " SOURCE=name reads the tables again.",
    ),
    (
        r"row level security hides rows",
        "Rows would be missing, so none is read. Run make up, which lets the managed database's"
        " account read them; for an existing database make doctor SOURCE=name prints the policy"
        " or the right that it needs. The task is started again each minute.",
    ),
    (
        r"there is no table .*, whose existing rows are to be read",
        "A captured table was dropped, renamed or moved, or is a view now. The task is started"
        " again each minute, and goes on when the table is back, or off the stack file's tables.",
    ),
    (
        r"replication role to start|permission denied to start WAL sender",
        "The account may not replicate any more: run make up, or for an existing database"
        " section 1 of its SQL (make source-sql). The slot keeps the changes meanwhile.",
    ),
    (
        r"clients already|connections for (role|database)|connection slots are reserved",
        "The database has no connection left for the account: close some, or raise"
        " max_connections or the role's CONNECTION LIMIT. The task is started again until it has"
        " one.",
    ),
    (
        r"permission denied for|must be (superuser|owner)",
        "The debezium user lacks a grant: every captured table must be in the stack's tables list.",
    ),
    (
        r"AccessDenied|Access Denied|not authorized to perform|status code: 403",
        "AWS denies the sink: compare the action named above with the policy of the archive layer.",
    ),
    (r"NoSuchBucket", "The bucket does not exist: is the archive layer deployed, in this region?"),
    (
        r"Unable to load credentials|InvalidAccessKeyId|SignatureDoesNotMatch|security token",
        "The worker has no valid AWS credentials: check its environment or its service account.",
    ),
    (
        r"UnknownTopicOrPartition|is not present in metadata|UNKNOWN_TOPIC",
        "A topic is missing and topics are not made by themselves: it must be in the stack.",
    ),
    (
        r"NoClassDefFoundError|ClassNotFoundException|Failed to find any class"
        r"|Class \S+ could not be found",
        "The worker lacks a plugin or a part of it: check the plugin folders of its image, and that"
        " META-INF/services of the jar lists each of its plugins.",
    ),
    (
        r"UnknownHostException|Connection refused|connection attempt failed|timed? ?out",
        "Something the connector needs can't be reached from the worker: check that it runs and"
        " that a NetworkPolicy lets the worker through.",
    ),
    (
        r"error occurred converting record, topic: (\S+), partition, (\d+), offset: (\d+)",
        "A record does not fit its table. Make a dead letter of it:"
        r" bin/datapipe dlq skip \1/\2/\3.",
    ),
    (
        r"OutOfMemoryError",
        "The worker's heap is too small for its tasks: fewer tasks, or more memory for connect.",
    ),
)


def first_cause(trace: str) -> str:
    """Return the line of a Java stack trace with the first cause: the last "Caused by"."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by:")]
    return causes[-1] if causes else (lines[0] if lines else "no trace given")


def is_known(trace: str) -> bool:
    """Return whether ADVICE has something about a trace."""
    return any(re.search(pattern, trace, re.IGNORECASE) for pattern, _ in ADVICE)


def advice_for(trace: str) -> str:
    """Return what to do about a trace."""
    for pattern, advice in ADVICE:
        if found := re.search(pattern, trace, re.IGNORECASE):
            return found.expand(advice)
    return (
        "The workers' logs have the whole story: kubectl -n data-ingestion logs --prefix --tail -1"
        " -l app.kubernetes.io/name=kafka-connect."
    )


def explain(name: str, status: Status) -> str:
    """Return a failed connector in a few lines: how much of it, the first cause, what to do."""
    trace = status.traces[0] if status.traces else ""
    head = trace.splitlines()[0].strip() if trace else ""
    cause = first_cause(trace)
    lines = [f"connector {name} failed ({status.progress()})", f"  cause: {cause}"]
    if head and head != cause:
        lines.insert(1, f"  error: {head}")
    lines.append(f"  what to do: {advice_for(trace)}")
    return "\n".join(lines)
