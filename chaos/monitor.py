"""Watches a pipeline while it is disturbed: what its user would see, and since when."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from chaos.load import Load
from chaos.pipeline import FaultError, Pipeline
from clients.bucket import objects
from clients.cluster import Pod
from clients.connect import Connector, connectors
from clients.status.collect import UNREACHABLE
from clients.topics import DEAD_LETTER_TOPICS, GroupReader
from kafka_connect.status import first_cause

T = TypeVar("T")

POLL_SECONDS = 2.0
SLOW_POLL_SECONDS = 10.0
"""for what takes the brokers' or S3's time to answer"""
LAST_LOOK_SECONDS = 2 * SLOW_POLL_SECONDS
RESTARTED = "pod was restarted"
IN_DEAD_LETTER_QUEUE = "records in the dead letter queue"
STALLED_SECONDS = 40.0
"""without a new object while the load runs: the sandbox's sink commits every 10 s"""
SETTLED_POLLS = 3
"""without a sign in a row, until a pipeline counts as well again"""


@dataclass(frozen=True)
class Sign:
    """Something that shows that not all is well."""

    at: float
    """time.time()"""
    what: str


@dataclass(frozen=True)
class Before:
    """The state before the fault, which is no sign of it."""

    pods: int
    restarts: dict[str, int]
    dead_letters: int


class Monitor:
    """Polls on a thread of its own from `with` on; a part that does not answer is a sign too."""

    def __init__(self, pipeline: Pipeline, load: Load) -> None:
        self._pipeline, self._load = pipeline, load
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="monitor", daemon=True)
        self._next_slow = 0.0
        self._slow: list[str] = []
        self._quiet = 0
        self._failure: Exception | None = None
        self._before = Before(
            pods=len(pipeline.cluster.pods()),
            restarts={pod.name: pod.restarts for pod in pipeline.cluster.pods()},
            dead_letters=dead_letters(pipeline),
        )
        self.signs: list[Sign] = []

    def __enter__(self) -> "Monitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def first_since(self, moment: float) -> Sign | None:
        """The first sign after a moment (time.time()); where there is none, one more look at all.

        A record in the dead letter queue can be there before the next look at what is slow to ask.
        """
        deadline = time.time() + LAST_LOOK_SECONDS
        while True:
            found = next((sign for sign in list(self.signs) if sign.at >= moment), None)
            if found is not None or time.time() > deadline or not self._thread.is_alive():
                return found
            time.sleep(POLL_SECONDS / 4)

    def last(self) -> str:
        """The latest sign, in words."""
        return self.signs[-1].what if self.signs else "nothing seen"

    def is_quiet(self) -> bool:
        """Whether the last polls found it working. Raises FaultError where we can't tell."""
        if self._failure is not None:
            raise FaultError(f"the pipeline can't be watched: {self._failure}") from self._failure
        return self._quiet >= SETTLED_POLLS

    def disturb(self) -> None:
        """Forget the quiet of before: what happens now is looked at anew."""
        self._quiet = 0

    def _guarded(self) -> None:
        try:
            self._watch()
        except Exception as error:  # told by is_quiet()
            self._failure = error

    def _watch(self) -> None:
        while not self._stop.is_set():
            began = time.time()
            present = self._noted(self._fast_signs())
            if began >= self._next_slow:  # these may take long, so the others are noted first
                self._slow = self._noted(self._slow_signs())
                self._next_slow = time.time() + SLOW_POLL_SECONDS
            present += self._slow
            self._quiet = 0 if any(map(lasts, present)) else self._quiet + 1
            self._stop.wait(max(0.0, POLL_SECONDS - (time.time() - began)))

    def _noted(self, present: list[str]) -> list[str]:
        self.signs += [Sign(time.time(), what) for what in present]
        return present

    def _fast_signs(self) -> list[str]:
        return [*self._database(), *self._pods(), *self._connectors()]

    def _slow_signs(self) -> list[str]:
        return [*self._dead_letters(), *self._stalled()]

    def _database(self) -> Iterable[str]:
        if self._load.broken_since is not None:
            yield "PostgreSQL does not answer the application"

    def _pods(self) -> Iterable[str]:
        pods = self._ask("the API server", self._pipeline.cluster.pods)
        return [pods] if isinstance(pods, str) else of_pods(pods, self._before)

    def _connectors(self) -> Iterable[str]:
        outputs = self._pipeline.outputs
        found = self._ask(
            "Kafka Connect", lambda: connectors(self._pipeline.cluster, outputs.connect)
        )
        return [found] if isinstance(found, str) else of_connectors(found, outputs.connectors)

    def _dead_letters(self) -> Iterable[str]:
        count = self._ask("Kafka", lambda: dead_letters(self._pipeline))
        if isinstance(count, str):
            yield count
        elif count > self._before.dead_letters:
            yield f"{count - self._before.dead_letters} {IN_DEAD_LETTER_QUEUE}"

    def _stalled(self) -> Iterable[str]:
        commits = self._load.commits
        if not commits:
            return
        found = self._ask("S3", lambda: objects(self._pipeline.outputs.archive))
        if isinstance(found, str):
            yield found
            return
        latest = found.newest or datetime.fromtimestamp(commits[0].at, UTC)
        since = max(latest.timestamp(), commits[0].at)
        if commits[-1].at - since > STALLED_SECONDS:
            yield f"nothing new in the archive for {commits[-1].at - since:.0f} s"

    def _ask(self, part: str, question: Callable[[], T]) -> T | str:
        try:
            return question()
        except UNREACHABLE:
            return f"{part} does not answer"


def lasts(what: str) -> bool:
    """Whether a sign tells of a state that must pass, and not of what has once happened."""
    return not (what.startswith(RESTARTED) or what.endswith(IN_DEAD_LETTER_QUEUE))


def of_pods(pods: list[Pod], before: Before) -> list[str]:
    """Signs in the pods' states."""
    signs = [f"pod {pod.name} is not ready" for pod in pods if not pod.ready]
    if len(pods) < before.pods:
        signs.append(f"{before.pods - len(pods)} pods are missing")
    signs += [
        f"{RESTARTED}: {pod.name}"
        for pod in pods
        if pod.restarts > before.restarts.get(pod.name, 0)
    ]
    return signs


def of_connectors(found: list[Connector], declared: Iterable[str]) -> list[str]:
    """Signs in the connectors' states."""
    present = {connector.name for connector in found}
    signs = [f"connector {name} does not exist" for name in declared if name not in present]
    for connector in found:
        if connector.runs:
            continue
        traces = [connector.trace, *(task.trace for task in connector.tasks)]
        cause = next((first_cause(trace) for trace in traces if trace), "")
        states = {connector.state, *(task.state for task in connector.tasks)}
        worst = "FAILED" if "FAILED" in states else "not RUNNING"
        signs.append(f"connector {connector.name} is {worst} {cause}".strip()[:300])
    return signs


def dead_letters(pipeline: Pipeline) -> int:
    """Records in the dead letter topics. Raises KafkaException where no broker answers."""
    with GroupReader(pipeline.outputs.bootstrap_servers, "datapipe-chaos") as reader:
        return sum(topic.retained for topic in reader.topics(DEAD_LETTER_TOPICS))
