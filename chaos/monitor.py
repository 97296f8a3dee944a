"""Watches a pipeline during a fault: the symptoms that its user would see, and since when."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from chaos.pipeline import FaultError, Pipeline
from clients.bucket import objects
from clients.cluster import Pod
from clients.connect import Connector, connectors
from clients.status.unknown import UNREACHABLE
from clients.topics import GroupReader
from kafka_connect.status import first_cause
from polling import poll_until
from workload.background import Background
from workload.writer import Writer

T = TypeVar("T")

POLL_SECONDS = 2.0
# For requests that take the brokers or S3 some time.
SLOW_POLL_SECONDS = 10.0
LAST_LOOK_SECONDS = 2 * SLOW_POLL_SECONDS
RESTARTED = "pod was restarted"
IN_DEAD_LETTER_QUEUE = "records in the dead letter queue"
# Without a new object while the load runs. The sandbox's sink commits every 10 s.
STALLED_SECONDS = 40.0
# Polls in a row without a symptom until a pipeline counts as recovered.
SETTLED_POLLS = 3


@dataclass(frozen=True)
class Symptom:
    """Something that shows that the pipeline is not healthy."""

    at: float
    """time.time()"""
    what: str


@dataclass(frozen=True)
class Before:
    """The state before the fault, so that it is not taken for a symptom."""

    pods: int
    restarts: dict[str, int]
    dead_letters: int


class Monitor(Background):
    """Polls until the end of the block. That a part does not answer is a symptom."""

    def __init__(self, pipeline: Pipeline, writer: Writer) -> None:
        super().__init__(self._watch, name="watching the pipeline", error=FaultError)
        self._pipeline, self._writer = pipeline, writer
        self._next_slow = 0.0
        self._slow: list[str] = []
        self._quiet = 0
        self._before = Before(
            pods=len(lasting(pipeline.cluster.pods())),
            restarts={pod.name: pod.restarts for pod in pipeline.cluster.pods()},
            dead_letters=dead_letters(pipeline),
        )
        self.symptoms: list[Symptom] = []

    def first_since(self, moment: float) -> Symptom | None:
        """Return the first symptom after a moment (time.time()).

        If nothing was seen yet, wait for the next slow poll: a record may be in the dead letter
        queue already.
        """

        def found_or_stopped() -> list[Symptom] | bool:
            found = [each for each in list(self.symptoms) if each.at >= moment]
            return found or not self.runs

        try:
            found = poll_until(
                found_or_stopped,
                timeout=LAST_LOOK_SECONDS,
                interval=POLL_SECONDS / 4,
                description="a symptom",
            )
        except TimeoutError:
            return None
        return found[0] if isinstance(found, list) else None

    def last(self) -> str:
        """Return the latest symptom, in words."""
        return self.symptoms[-1].what if self.symptoms else "no symptom"

    def is_quiet(self) -> bool:
        """Return whether the last polls found no symptom. Raises FaultError if they failed."""
        self.check()
        return self._quiet >= SETTLED_POLLS

    def disturb(self) -> None:
        """Forget earlier polls without a symptom."""
        self._quiet = 0

    def _watch(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.time()
            present = self._recorded(self._fast_symptoms())
            if began >= self._next_slow:  # these may take long, so the others are recorded first
                self._slow = self._recorded(self._slow_symptoms())
                self._next_slow = time.time() + SLOW_POLL_SECONDS
            present += self._slow
            self._quiet = 0 if any(map(lasts, present)) else self._quiet + 1
            stop.wait(max(0.0, POLL_SECONDS - (time.time() - began)))

    def _recorded(self, present: list[str]) -> list[str]:
        self.symptoms += [Symptom(time.time(), what) for what in present]
        return present

    def _fast_symptoms(self) -> list[str]:
        return [*self._database(), *self._pods(), *self._connectors()]

    def _slow_symptoms(self) -> list[str]:
        return [*self._dead_letters(), *self._stalled()]

    def _database(self) -> Iterable[str]:
        if self._writer.broken_since is not None:
            yield "PostgreSQL does not answer the application"

    def _pods(self) -> Iterable[str]:
        pods = self._ask("the API server", self._pipeline.cluster.pods)
        return [pods] if isinstance(pods, str) else symptoms_of_pods(lasting(pods), self._before)

    def _connectors(self) -> Iterable[str]:
        outputs = self._pipeline.outputs
        found = self._ask(
            "Kafka Connect", lambda: connectors(self._pipeline.cluster, outputs.connect)
        )
        if isinstance(found, str):
            return [found]
        return symptoms_of_connectors(found, outputs.connectors)

    def _dead_letters(self) -> Iterable[str]:
        count = self._ask("Kafka", lambda: dead_letters(self._pipeline))
        if isinstance(count, str):
            yield count
        elif count > self._before.dead_letters:
            yield f"{count - self._before.dead_letters} {IN_DEAD_LETTER_QUEUE}"

    def _stalled(self) -> Iterable[str]:
        commits = self._writer.journal.commits
        if not commits:
            return
        found = self._ask("S3", lambda: objects(self._pipeline.outputs.archive))
        if isinstance(found, str):
            yield found
            return
        latest = found.newest or datetime.fromtimestamp(commits[0].at, UTC)
        since = max(latest.timestamp(), commits[0].at)
        if commits[-1].at - since > STALLED_SECONDS:
            yield f"no new object in the archive for {commits[-1].at - since:.0f} s"

    def _ask(self, part: str, question: Callable[[], T]) -> T | str:
        try:
            return question()
        except UNREACHABLE:
            return f"{part} does not answer"


def lasting(pods: Iterable[Pod]) -> list[Pod]:
    """Return the pods that do not end by themselves: those of Jobs come and go."""
    return [pod for pod in pods if not pod.of_job]


def lasts(what: str) -> bool:
    """Return whether a symptom is a state that must pass, and not an event that has happened."""
    return not (what.startswith(RESTARTED) or what.endswith(IN_DEAD_LETTER_QUEUE))


def symptoms_of_pods(pods: list[Pod], before: Before) -> list[str]:
    """Return the symptoms in the pods' states."""
    symptoms = [f"pod {pod.name} is not ready" for pod in pods if not pod.ready]
    if len(pods) < before.pods:
        symptoms.append(f"{before.pods - len(pods)} pods are missing")
    symptoms += [
        f"{RESTARTED}: {pod.name}"
        for pod in pods
        if pod.restarts > before.restarts.get(pod.name, 0)
    ]
    return symptoms


def symptoms_of_connectors(found: list[Connector], declared: Iterable[str]) -> list[str]:
    """Return the symptoms in the connectors' states."""
    present = {connector.name for connector in found}
    symptoms = [f"connector {name} does not exist" for name in declared if name not in present]
    for connector in found:
        if connector.runs:
            continue
        traces = [connector.trace, *(task.trace for task in connector.tasks)]
        cause = next((first_cause(trace) for trace in traces if trace), "")
        states = {connector.state, *(task.state for task in connector.tasks)}
        worst = "FAILED" if "FAILED" in states else "not RUNNING"
        symptoms.append(f"connector {connector.name} is {worst} {cause}".strip()[:300])
    return symptoms


def dead_letters(pipeline: Pipeline) -> int:
    """Count the records in the dead letter topics. Raises KafkaException without a broker."""
    with GroupReader(pipeline.outputs.kafka, "datapipe-chaos") as reader:
        return sum(
            topic.retained for topic in reader.topics(pipeline.outputs.dead_letter_topics.names)
        )
