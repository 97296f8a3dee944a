"""`datapipe recover schema` lets the registry accept one schema, by curl as in its own pod."""

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clients.recover import schema as schema_module
from clients.recover.schema import accept_next
from clients.registry import Registry, shows_answers
from clients.stack import StackError
from tests.unit.deployment import every_container
from tests.unit.streaming_stack import deploy_stack, design

SUBJECT = "postgres.public.users-value"


class RegistryInMemory:
    """One subject, behind a real socket."""

    def __init__(self, default: str = "BACKWARD") -> None:
        self.default, self.versions = default, [1]
        self.own: str | None = None
        self.levels: list[str | None] = []
        memory = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/config":
                    self._answer({"compatibilityLevel": memory.default})
                elif self.path == f"/config/{SUBJECT}" and memory.own:
                    self._answer({"compatibilityLevel": memory.own})
                elif self.path == f"/subjects/{SUBJECT}/versions":
                    self._answer(memory.versions)
                else:
                    self._answer({"error_code": 40401, "message": "not found"}, 404)

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                memory.set(json.loads(body)["compatibility"])
                self._answer({"compatibility": memory.own})

            def do_DELETE(self) -> None:
                memory.set(None)
                self._answer("NONE")

            def _answer(self, answer: object, status: int = 200) -> None:
                if not self.headers["Authorization"]:
                    answer, status = {"error_code": 401, "message": "Unauthorized"}, 401
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, level: str | None) -> None:
        self.own = level
        self.levels.append(level)

    def registry(self, *login: str) -> Registry:
        """Return a client that runs curl here instead of in a pod."""
        curl = ("curl", "--silent", *(login or ("--user", "probe:secret")))
        return Registry(curl, f"http://127.0.0.1:{self.server.server_port}", run)


def run(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def log(_message: str) -> None:
    """Say nothing."""


@pytest.fixture
def memory() -> Iterator[RegistryInMemory]:
    memory = RegistryInMemory()
    yield memory
    memory.server.shutdown()


@pytest.mark.parametrize("own", [None, "FULL"])
def test_one_schema_is_accepted_and_the_compatibility_is_as_before(
    memory: RegistryInMemory, own: str | None
) -> None:
    memory.own = own

    def source_registers() -> None:
        assert memory.own == "NONE"
        memory.versions.append(2)

    accept_next(memory.registry(), SUBJECT, source_registers, log)
    assert memory.levels == ["NONE", own]


def test_the_compatibility_is_restored_where_no_schema_comes(
    memory: RegistryInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_module, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(schema_module, "POLL_SECONDS", 0.01)
    with pytest.raises(StackError, match=r"no new schema of postgres\.public\.users-value"):
        accept_next(memory.registry(), SUBJECT, lambda: None, log)
    assert memory.levels == ["NONE", None]


def test_an_unknown_subject_changes_nothing(memory: RegistryInMemory) -> None:
    with pytest.raises(StackError, match="has no subject elsewhere"):
        accept_next(memory.registry(), "elsewhere", lambda: None, log)
    assert memory.levels == []


def test_a_level_that_compares_all_versions_is_not_suspended() -> None:
    memory = RegistryInMemory(default="BACKWARD_TRANSITIVE")
    with pytest.raises(StackError, match=r"registry\.compatibility to BACKWARD and run make up"):
        accept_next(memory.registry(), SUBJECT, lambda: None, log)
    assert memory.levels == []
    memory.server.shutdown()


def test_a_registry_that_refuses_or_is_away_is_reported(memory: RegistryInMemory) -> None:
    with pytest.raises(StackError, match=r"answers GET /config/.* with 401: .*Unauthorized"):
        accept_next(memory.registry("--noproxy", "*"), SUBJECT, lambda: None, log)
    memory.server.shutdown()
    memory.server.server_close()
    with pytest.raises(StackError, match="does not answer in its own pod"):
        accept_next(memory.registry(), SUBJECT, lambda: None, log)


def test_the_probes_command_shows_its_answer() -> None:
    (container,) = every_container(deploy_stack(design()).one("Deployment", "schema-registry"))
    *command, url = container["readinessProbe"]["exec"]["command"]
    shown = shows_answers(command)
    assert shown[:2] == ["curl", "--silent"]
    assert "--netrc-file" in shown
    assert not {"--fail", "--output", "/dev/null"} & set(shown)
    assert url.endswith("/subjects")
