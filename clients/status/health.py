"""Describes everything that is wrong with a pipeline, in sentences."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta

from clients.cluster import MEBIBYTE, Pod, Resources, total
from clients.connect import Connector
from clients.metrics import Metrics, Sample
from clients.status.archive import problems_of_archived
from clients.status.collect import Status
from clients.status.sources import problems_of_sources
from clients.status.unknown import Unknown
from clients.topics import Topic
from kafka_connect.status import (
    RECONFIGURATION_ADVICE,
    advice_for,
    describe_earlier,
    first_cause,
)

# Design: "alert_threshold: 100  # messages per hour".
DEAD_LETTERS_PER_HOUR = 100
# Of validity; the alert KafkaCertificateEnds has the same, and an update then renews.
CERTIFICATE_DAYS = 30
# The lowest acceptable data quality score; the alert DataQuality has the same.
MINIMUM_QUALITY = 0.99
# The alert RowsWait has the same, as the time for which its condition must hold.
WAITING_TOLERANCE_SECONDS = 60


def problems(status: Status) -> list[str]:
    """Return every problem, dead letters first: the archive lacks them until they are replayed."""
    found: list[str] = []
    if not isinstance(status.dead_letters, Unknown):
        found += _of_dead_letters(status.dead_letters)
    found += _of_unknown_parts(status)
    if not isinstance(status.pods, Unknown):
        found += _of_pods(status.pods, status.budget)
    if not isinstance(status.connectors, Unknown):
        found += _of_connectors(status.connectors, status.declared_connectors)
    found += problems_of_sources(status.sources)
    if not isinstance(status.metrics, Unknown):
        found += _of_waiting_rows(status.metrics)
        found += _of_registry(status.metrics)
        found += _of_quality(status.metrics)
    if not isinstance(status.archived, Unknown):
        found += problems_of_archived(status.archived, status.maintenance)
    if status.certificates_end is not None:
        found += _of_certificates(status.certificates_end)
    return found


def _of_certificates(end: datetime) -> Iterator[str]:
    left = end - datetime.now(UTC)
    if left < timedelta(days=CERTIFICATE_DAYS):
        yield (
            f"the first of Kafka's certificates ends on {end:%Y-%m-%d %H:%M} UTC; from then on its"
            " client is refused. make up renews it"
        )


def _of_dead_letters(topics: list[Topic]) -> Iterator[str]:
    for topic in topics:
        if topic.lag:
            yield (
                f"{topic.name} holds {topic.lag} records that were not archived;"
                " bin/datapipe dlq list shows why"
            )
        if topic.recent > DEAD_LETTERS_PER_HOUR:
            yield (
                f"{topic.name} received {topic.recent} records in the last hour; the limit is"
                f" {DEAD_LETTERS_PER_HOUR}"
            )


def _of_unknown_parts(status: Status) -> list[str]:
    parts = [getattr(status, field.name) for field in fields(status)]
    parts += [part for source in status.sources for part in (source.slots, source.changed)]
    unknown = dict.fromkeys(part for part in parts if isinstance(part, Unknown))
    return [f"can't reach {part.part}: {part.reason}" for part in unknown]


def _of_pods(pods: list[Pod], budget: Resources) -> Iterator[str]:
    if not pods:
        yield "no pod is running"
    for pod in pods:
        # A Job's pod stops being ready when its program ends, and is gone a moment later.
        if not pod.ready and not (pod.of_job and pod.phase == "Running"):
            yield f"pod {pod.name} is not ready: {pod.why_not_ready}"
        if pod.out_of_memory_kills:
            yield f"pod {pod.name} was killed at its memory limit"
        if pod.unlimited:
            yield f"pod {pod.name} has containers without limits: {', '.join(pod.unlimited)}"
    limits = total(pod.limits for pod in pods)
    if not limits.within(budget):
        yield (
            f"limits add up to {limits.memory // MEBIBYTE}Mi and {limits.cpu} CPU; the stack's"
            f" budget is {budget.memory // MEBIBYTE}Mi and {budget.cpu} CPU (datapipe:budget)"
        )


def _of_waiting_rows(metrics: Metrics) -> Iterator[str]:
    """Yield what RowsWait reports after a minute: a single look can meet a slow commit."""
    # A worker that the connector has just left shows it, too.
    intervals = {
        sample.labels["connector"]: sample.value
        for sample in metrics.samples("archive_interval_seconds")
    }
    for sample in metrics.samples("archive_oldest_waiting_seconds"):
        interval = intervals.get(sample.labels["connector"], 0)
        if interval and sample.value > 2 * interval + WAITING_TOLERANCE_SECONDS:
            yield (
                f"rows of {sample.labels['topic']} have waited for {sample.value:.0f} s to be"
                f" archived; {sample.labels['connector']} should need {interval:.0f} s"
            )


def _of_registry(metrics: Metrics) -> Iterator[str]:
    for sample in metrics.samples("registry_refused_schema"):
        if not sample.value:
            continue
        subject = sample.labels["subject"]
        yield (
            f"Schema Registry refuses the new schema of subject {subject}."
            f" {advice_for(f'refuses the new schema of subject {subject}:')}"
        )
    unavailable = [sample.value for sample in metrics.samples("registry_unavailable_seconds")]
    if longest := max(unavailable, default=0):
        yield (
            f"Schema Registry has been unavailable to the workers for {longest:.0f} s; records wait"
            " and none is lost"
        )


def _of_quality(metrics: Metrics) -> Iterator[str]:
    for sample in metrics.samples("data_quality_score"):
        if sample.value < MINIMUM_QUALITY:
            yield (
                f"{sample.value:.1%} of the events of {_table(sample)} are complete at the"
                f" {sample.labels['checkpoint']}; the others lack their key, operation, commit time"
                " or WAL position"
            )


def _table(sample: Sample) -> str:
    source, table = sample.labels.get("source"), sample.labels["table"]
    return f"{source}.{table}" if source else table


def _of_connectors(connectors: list[Connector], declared: Iterable[str]) -> Iterator[str]:
    present = {connector.name for connector in connectors}
    for name in declared:
        if name not in present:
            yield f"connector {name} does not exist; make refresh and make up create it again"
    for connector in connectors:
        if connector.runs:
            if connector.earlier:
                what = describe_earlier(connector.earlier)
                yield f"connector {connector.name} runs {what}. {RECONFIGURATION_ADVICE}"
            continue
        yield f"connector {connector.name} is {connector.state}, {_tasks(connector)}"
        for trace in [connector.trace, *(task.trace for task in connector.tasks)]:
            if trace:
                yield f"connector {connector.name}: {first_cause(trace)}. {advice_for(trace)}"


def _tasks(connector: Connector) -> str:
    if not connector.tasks:
        return "without a task"
    return ", ".join(f"task {task.number} {task.state}" for task in connector.tasks)
