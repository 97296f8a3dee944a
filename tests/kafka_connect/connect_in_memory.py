"""Kafka Connect's REST API with connectors in memory, for what a real worker does too slowly."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.kafka_connect.failing_connect import Request, connect_error, respond

ORDERS = {"resume": "RUNNING", "pause": "PAUSED", "stop": "STOPPED"}
CONNECTOR = re.compile(r"/connectors/([^/?]+)(?:/(\w+))?")


@dataclass
class ConnectInMemory:
    """Connectors with their configuration; every look at a status takes the next of `states`.

    Without `states` connectors are as they were configured, or failed where `failing` says so.
    """

    plugins: tuple[str, ...] = ("X",)
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    complaints: dict[str, list[str]] = field(default_factory=dict)
    refusal: str | None = None
    """why PUT of a configuration is answered with 400"""
    url: str = ""
    offsets: list[dict[str, Any]] = field(default_factory=list)
    restarts: int = 0
    positions: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    """by connector: every look at its offsets takes the next of these, instead of `offsets`"""
    failing: dict[str, str] = field(default_factory=dict)
    """by connector: the trace of its task"""
    targets: dict[str, str] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)
    """what was asked of each connector, in order"""
    tasks: dict[str, list[list[dict[str, str]]]] = field(default_factory=dict)
    """by connector: every look at its tasks' configurations takes the next of these; without them
    each task has the connector's"""
    told: list[str] = field(default_factory=list)
    """the same of all connectors together"""
    _running: dict[str, int] = field(default_factory=dict)

    def __call__(self, handler: Request) -> None:
        """Answer a request."""
        status, body = self._route(handler)
        answer = connect_error(status, body) if status >= 400 else respond(status, body)
        answer(handler)

    def _route(self, handler: Request) -> tuple[int, Any]:
        fixed = {
            "/": {"version": "3.9.2"},
            "/connector-plugins": [{"class": plugin} for plugin in self.plugins],
        }
        if handler.path in fixed:
            return 200, fixed[handler.path]
        if handler.path.endswith("/config/validate"):
            values = [{"value": {"name": k, "errors": v}} for k, v in self.complaints.items()]
            return 200, {"configs": [*values, {"value": {"name": "fine", "errors": []}}]}
        if handler.command == "POST" and handler.path == "/connectors":
            return self._create(json.loads(handler.body))
        match = CONNECTOR.match(handler.path)
        assert match, handler.path
        name, part = match.groups()
        if handler.command == "PUT" and part == "config":
            return self._put(name, json.loads(handler.body))
        if name not in self.configs:
            return 404, f"Connector {name} not found"
        return self._existing(handler.command, name, part)

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["name"] in self.configs:
            return 409, f"Connector {body['name']} already exists"
        self._hear(body["name"], f"create {body['initial_state']}", body["initial_state"])
        self.configs[body["name"]] = body["config"]
        return 201, body

    def _put(self, name: str, config: dict[str, str]) -> tuple[int, Any]:
        if self.refusal:
            return 400, self.refusal
        self._hear(name, "config")
        self.configs[name] = config
        return 200, {"name": name}

    def _existing(self, method: str, name: str, part: str | None) -> tuple[int, Any]:
        match (method, part):
            case ("GET", "config"):
                return 200, {**self.configs[name], "name": name}
            case ("GET", "status"):
                answer = _next(self.states) if self.states else self._obeyed(name)
                self._running[name] = len(answer["tasks"])
                return 200, answer
            case ("GET", "tasks"):
                return 200, self._task_configs(name)
            case ("POST", "restart"):
                self.restarts += 1
            case ("PUT", ("resume" | "pause" | "stop") as order):
                self._hear(name, order, ORDERS[order])
            case ("GET", "offsets"):
                positions = self.positions.get(name)
                return 200, {"offsets": _next(positions) if positions else self.offsets}
            case ("DELETE", "offsets"):
                self._hear(name, "reset")
                self.offsets.clear()
                return 200, {"message": "The offsets have been reset"}
            case ("DELETE", None):
                self._hear(name, "delete")
                del self.configs[name]
        return 202, {}

    def _task_configs(self, name: str) -> list[dict[str, Any]]:
        given = {**self.configs[name], "name": name, "task.class": "T"}
        scripted = self.tasks.get(name)
        configs = _next(scripted) if scripted else [given] * self._running.get(name, 1)
        return [
            {"id": {"connector": name, "task": number}, "config": config}
            for number, config in enumerate(configs)
        ]

    def _hear(self, name: str, order: str, target: str | None = None) -> None:
        self.told.append(order)
        self.history.setdefault(name, []).append(order)
        if target:
            self.targets[name] = target

    def _obeyed(self, name: str) -> dict[str, Any]:
        target = self.targets.get(name, "RUNNING")
        if target == "STOPPED":
            return state("STOPPED")
        task = "FAILED" if name in self.failing else target
        return state(target, task, trace=self.failing.get(name, ""))


def _next(answers: list[Any]) -> Any:
    """Return the next answer; the last one forever."""
    return answers.pop(0) if len(answers) > 1 else answers[0]


def state(connector: str, *tasks: str, trace: str = "") -> dict[str, Any]:
    """Return a status as Connect gives it; failed tasks carry the trace."""
    return {
        "connector": {"state": connector},
        "tasks": [
            {"id": number, "state": task, **({"trace": trace} if task == "FAILED" else {})}
            for number, task in enumerate(tasks)
        ],
    }


RUNNING = state("RUNNING", "RUNNING", "RUNNING")


def inputs(connect: Any, **changes: Any) -> dict[str, Any]:
    """Return the inputs of the resource of a connector c on that server."""
    return {
        "name": "c",
        "config": {"connector.class": "X", "tasks.max": "2"},
        "access": {"url": connect.url},
        "start_timeout_seconds": 10.0,
        "state": "RUNNING",
        "tasks": None,
        "reset_offsets": None,
        "drop_slot": False,
        **changes,
    }
