"""A client of Kafka Connect's REST API with the design's retry policy and circuit breaker.

Retries (design: "retry_policy") are urllib3's, of GET, PUT and DELETE only: repeating those changes
nothing. The breaker (design: "circuit_breaker") is pybreaker's, one per worker address and process.
Pulumi runs one process for all dynamic resources of a command, so all connectors of one
`pulumi up` share it, and the next command starts with a closed one.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pybreaker
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from kafka_connect.failures import (
    ConnectError,
    ConnectorExistsError,
    ConnectUnavailableError,
    UnsettledError,
    failure_of,
)


@dataclass(frozen=True)
class RetryPolicy:
    """The design's numbers; all times in seconds. Tests shorten them."""

    retries: int = 3
    first_delay: float = 1
    longest_delay: float = 30
    jitter: float = 0.5
    """added to each delay, as a share of it, by chance"""
    failures_to_open: int = 5
    open_seconds: float = 30
    successes_to_close: int = 3
    request_timeout: float = 20
    settle_timeout: float = 90
    """for how long a starting worker or a rebalance is waited out"""


class Backoff(Retry):
    """urllib3's Retry, but the first retry waits too: first_delay, then twice as long each time."""

    def __init__(self, *, first_delay: float = 1, jitter_share: float = 0.5, **options: Any):
        """Take what Retry takes; seconds, and a share of each delay."""
        super().__init__(**options)
        self.first_delay, self.jitter_share = first_delay, jitter_share

    def new(self, **changes: Any) -> "Backoff":
        """Return a copy for the next attempt, as Retry wants it."""
        kept = {"first_delay": self.first_delay, "jitter_share": self.jitter_share}
        return super().new(**{**kept, **changes})

    def get_backoff_time(self) -> float:
        """Seconds until the next attempt."""
        return delay(len(self.history), self.first_delay, self.backoff_max, self.jitter_share)


def delay(attempt: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait after failed attempt number `attempt` (1, 2, …)."""
    if attempt < 1:
        return 0
    wait = first * 2.0 ** (attempt - 1)
    # Jitter spreads clients apart; it needs no cryptography.
    return float(min(longest, wait * (1 + jitter * random.random())))  # noqa: S311


_BREAKERS: dict[str, pybreaker.CircuitBreaker] = {}
_BREAKERS_LOCK = threading.Lock()


def breaker_for(url: str, policy: RetryPolicy) -> pybreaker.CircuitBreaker:
    """Return this process's circuit breaker for a worker's address."""
    with _BREAKERS_LOCK:
        if url not in _BREAKERS:
            _BREAKERS[url] = pybreaker.CircuitBreaker(
                fail_max=policy.failures_to_open,
                reset_timeout=policy.open_seconds,
                success_threshold=policy.successes_to_close,
                # What Connect itself answers shows that it is there.
                exclude=[lambda error: not isinstance(error, ConnectUnavailableError)],
                throw_new_error_on_trip=False,
                name=url,
            )
        return _BREAKERS[url]


class ConnectClient:
    """Requests to one Connect cluster.

    Methods raise ConnectError or a subclass: ConnectorMissingError, WorkerMissingError,
    ConnectUnavailableError, UnsettledError (when it lasted longer than the policy waits).
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        policy: RetryPolicy | None = None,
        breaker: pybreaker.CircuitBreaker | None = None,
    ) -> None:
        """Use a session that is authenticated for `url`, Connect's root."""
        self.url = url
        self._policy = policy or RetryPolicy()
        self._breaker = breaker or breaker_for(url, self._policy)
        self._session = session
        retry = Backoff(
            total=self._policy.retries,
            allowed_methods=("GET", "PUT", "DELETE"),
            status_forcelist=(429, 500, 502, 503, 504),
            backoff_max=self._policy.longest_delay,
            first_delay=self._policy.first_delay,
            jitter_share=self._policy.jitter,
            raise_on_status=False,
            retry_after_max=math.ceil(self._policy.longest_delay),
        )
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.mount("https://", HTTPAdapter(max_retries=retry))

    def answers(self, timeout: float) -> bool:
        """Return whether a worker answers within `timeout` seconds: one try, not counted."""
        probe = requests.Session()
        for setting in ("trust_env", "verify", "cert", "auth", "proxies"):
            setattr(probe, setting, getattr(self._session, setting))
        try:
            answer = probe.get(f"{self.url}/", timeout=timeout)
            return bool(answer.ok and "version" in answer.json())
        except (requests.RequestException, ValueError):
            return False

    def plugin_classes(self) -> set[str]:
        """Return the connector classes that the worker has."""
        return {plugin["class"] for plugin in self._call("GET", "/connector-plugins")}

    def validate(self, connector_class: str, config: dict[str, str]) -> dict[str, list[str]]:
        """Return the worker's errors about a configuration: messages by property."""
        plugin = quote(connector_class)
        report = self._call("PUT", f"/connector-plugins/{plugin}/config/validate", config)
        values = [entry["value"] for entry in report["configs"]]
        return {value["name"]: value["errors"] for value in values if value["errors"]}

    def config(self, name: str) -> dict[str, str]:
        """Return the connector's configuration, without the name that Connect adds to it."""
        config = dict(self._call("GET", f"/connectors/{quote(name)}/config"))
        config.pop("name", None)
        return config

    def status(self, name: str) -> dict[str, Any]:
        """Return the states of the connector and its tasks, as Connect gives them."""
        return dict(self._call("GET", f"/connectors/{quote(name)}/status"))

    def task_configs(self, name: str) -> list[dict[str, str]]:
        """Return the configuration of each task, as Connect has stored it: with placeholders."""
        tasks = self._call("GET", f"/connectors/{quote(name)}/tasks")
        return [
            dict(task["config"]) for task in sorted(tasks, key=lambda one: int(one["id"]["task"]))
        ]

    def put(self, name: str, config: dict[str, str]) -> None:
        """Create the connector or bring it to this configuration; may be repeated."""
        self._call("PUT", f"/connectors/{quote(name)}/config", config)

    def create(self, name: str, config: dict[str, str], state: str) -> None:
        """Create a connector that is PAUSED or STOPPED from the start (Kafka 3.7, KIP-980).

        Creating is not idempotent, so nothing repeats it by itself: where the answer was lost, the
        second call shows that the first one succeeded.
        """
        body = {"name": name, "config": config, "initial_state": state}
        try:
            self._call("POST", "/connectors", body)
        except ConnectUnavailableError:
            with suppress(ConnectorExistsError):
                self._call("POST", "/connectors", body)

    def delete(self, name: str) -> None:
        """Remove the connector; its topics and offsets stay."""
        self._call("DELETE", f"/connectors/{quote(name)}")

    def restart_failed(self, name: str) -> None:
        """Restart the connector and its tasks, those that have failed only."""
        self._call("POST", f"/connectors/{quote(name)}/restart?includeTasks=true&onlyFailed=true")

    def resume(self, name: str) -> None:
        """Let a paused or stopped connector run."""
        self._call("PUT", f"/connectors/{quote(name)}/resume")

    def pause(self, name: str) -> None:
        """Let the tasks idle; they keep their memory, connections and partitions."""
        self._call("PUT", f"/connectors/{quote(name)}/pause")

    def stop(self, name: str) -> None:
        """End the tasks; configuration and offsets stay."""
        self._call("PUT", f"/connectors/{quote(name)}/stop")

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """Return how far the connector is: `partition` and `offset` of each, in its own terms."""
        return list(self._call("GET", f"/connectors/{quote(name)}/offsets")["offsets"])

    def reset_offsets(self, name: str) -> str:
        """Forget how far a stopped connector was; Connect's own words on it."""
        answer = self._call("DELETE", f"/connectors/{quote(name)}/offsets")
        return str((answer or {}).get("message", "offsets reset"))

    def alter_offsets(self, sink: str, positions: Mapping[tuple[str, int], int]) -> None:
        """Have a stopped sink go on there: the next offset by topic and partition (KIP-875)."""
        offsets = [
            {
                "partition": {"kafka_topic": topic, "kafka_partition": partition},
                "offset": {"kafka_offset": offset},
            }
            for (topic, partition), offset in positions.items()
        ]
        self._call("PATCH", f"/connectors/{quote(sink)}/offsets", {"offsets": offsets})

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        what = f"{method} {path}"
        return self._once_settled(lambda: self._through_breaker(method, path, body, what))

    def _once_settled(self, request: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self._policy.settle_timeout
        attempt = 0
        while True:
            try:
                return request()
            except UnsettledError:
                attempt += 1
                wait = delay(
                    attempt,
                    self._policy.first_delay,
                    self._policy.longest_delay,
                    self._policy.jitter,
                )
                if time.monotonic() + wait > deadline:
                    raise
                time.sleep(wait)

    def _through_breaker(
        self, method: str, path: str, body: Mapping[str, Any] | None, what: str
    ) -> Any:
        try:
            return self._breaker.call(self._send, method, path, body, what)
        except pybreaker.CircuitBreakerError:
            raise ConnectUnavailableError(
                f"{what}: not tried; Kafka Connect at {self.url} failed"
                f" {self._policy.failures_to_open} times in a row, the next try is made"
                f" {self._policy.open_seconds:.0f} s after the last"
            ) from None

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, what: str) -> Any:
        try:
            response = self._session.request(
                method, self.url + path, json=body, timeout=self._policy.request_timeout
            )
        except requests.RequestException as error:
            raise ConnectUnavailableError(
                f"{what}: no answer from Kafka Connect at {self.url}: {_reason(error)}"
            ) from None
        if not response.ok:
            raise failure_of(response, what)
        try:
            return response.json() if response.content else None
        except requests.exceptions.JSONDecodeError:
            raise ConnectError(f"{what}: the answer is not JSON: {response.text[:200]}") from None


def _reason(error: requests.RequestException) -> str:
    """Return the innermost reason, without urllib3's wrapping."""
    inner: Any = error.args[0] if error.args else error
    return str(getattr(inner, "reason", inner))
