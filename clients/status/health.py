"""What is wrong with a pipeline, in sentences; nothing where it is healthy."""

from collections.abc import Iterable, Iterator
from dataclasses import fields

from clients.cluster import ALLOWED, MEBIBYTE, Pod, total
from clients.connect import Connector
from clients.metrics import Metrics
from clients.status.collect import Status, Unknown
from clients.topics import Topic
from kafka_connect.status import advice_for, first_cause

DEAD_LETTERS_PER_HOUR = 100
"""Design: "alert_threshold: 100  # messages per hour"."""
WHOLE_EVENTS = 0.99
"""The least data quality score that is no trouble; the DataQuality alert's."""


def problems(status: Status) -> list[str]:
    """Every problem, dead letters first: records there are lost to the archive until replayed."""
    found: list[str] = []
    if not isinstance(status.dead_letters, Unknown):
        found += _of_dead_letters(status.dead_letters)
    found += _of_unknown_parts(status)
    if not isinstance(status.pods, Unknown):
        found += _of_pods(status.pods)
    if not isinstance(status.connectors, Unknown):
        found += _of_connectors(status.connectors, status.declared_connectors)
    if not isinstance(status.metrics, Unknown):
        found += _of_quality(status.metrics)
    return found


def _of_dead_letters(topics: list[Topic]) -> Iterator[str]:
    for topic in topics:
        if topic.lag:
            yield (
                f"{topic.name} holds {topic.lag} records that were not archived; make dlq shows why"
            )
        if topic.recent > DEAD_LETTERS_PER_HOUR:
            yield (
                f"{topic.name} got {topic.recent} records in an hour, above the"
                f" {DEAD_LETTERS_PER_HOUR} that are an alert"
            )


def _of_unknown_parts(status: Status) -> list[str]:
    parts = [getattr(status, field.name) for field in fields(status)]
    unknown = dict.fromkeys(part for part in parts if isinstance(part, Unknown))
    return [f"{part.part} can't be asked: {part.reason}" for part in unknown]


def _of_pods(pods: list[Pod]) -> Iterator[str]:
    if not pods:
        yield "no pod runs"
    for pod in pods:
        if not pod.ready:
            yield f"pod {pod.name} is not ready: {pod.why_not_ready}"
        if pod.out_of_memory_kills:
            yield f"pod {pod.name} was killed at its memory limit"
        if pod.unlimited:
            yield f"pod {pod.name} has containers without limits: {', '.join(pod.unlimited)}"
    limits = total(pod.limits for pod in pods)
    if not limits.within(ALLOWED):
        yield (
            f"limits add up to {limits.memory // MEBIBYTE}Mi and {limits.cpu} CPU, above the budget"
            f" of {ALLOWED.memory // MEBIBYTE}Mi and {ALLOWED.cpu}"
        )


def _of_quality(metrics: Metrics) -> Iterator[str]:
    for sample in metrics.samples("data_quality_score"):
        if sample.value < WHOLE_EVENTS:
            yield (
                f"{sample.value:.1%} of {sample.labels['table']}'s events are whole at"
                f" {sample.labels['checkpoint']}"
            )


def _of_connectors(connectors: list[Connector], declared: Iterable[str]) -> Iterator[str]:
    present = {connector.name for connector in connectors}
    for name in declared:
        if name not in present:
            yield f"connector {name} does not exist; pulumi refresh and make up bring it back"
    for connector in connectors:
        if connector.runs:
            continue
        yield f"connector {connector.name} is {connector.state}, {_tasks(connector)}"
        for trace in [connector.trace, *(task.trace for task in connector.tasks)]:
            if trace:
                yield f"connector {connector.name}: {first_cause(trace)}. {advice_for(trace)}"


def _tasks(connector: Connector) -> str:
    if not connector.tasks:
        return "without a task"
    return ", ".join(f"task {task.number} {task.state}" for task in connector.tasks)
