"""While Schema Registry is unavailable no good record becomes a dead letter.

A registry over HTTP on a real socket, Kafka Connect's own handling of errors with
errors.tolerance=all, and a converter that looks schemas up and fails as Confluent's does.
"""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.java_programs import JavaProgram, java_program
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JAVA

pytestmark = [pytest.mark.jdk, pytest.mark.images]

SOURCES = Path(__file__).parent / "registry_outage"
LIBRARIES = (
    *(f"org/apache/kafka/connect-{part}/3.9.*" for part in ("api", "runtime", "transforms")),
    *(f"org/apache/kafka/kafka-{part}/3.9.*" for part in ("clients", "server-common")),
    "org/slf4j/slf4j-api/1.7.*",
)
RECORD = "read 3 hello"
ARCHIVED = "archived hello"
INCOMPATIBLE = (
    '409 Schema being registered is incompatible with an earlier schema for subject "t-value",'
    " details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'c' at path"
    " '/fields/1' in the new schema has no default value and is missing in the old schema',"
    " additionalInfo:'c'}, {oldSchemaVersion: 1}, {oldSchema: '{...}'}]"
)


class Registry:
    """A registry that is away until it has an answer: "200 {}" or an error's code and message."""

    def __init__(self) -> None:
        free = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        self.port = free.server_port
        free.server_close()
        self._server: ThreadingHTTPServer | None = None

    def answer(self, answer: str) -> None:
        """Answer every request so from now on, whatever it was before."""
        self.leave()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(int(answer[:3]))
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_POST = do_GET  # noqa: N815  the name is the base class's

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def leave(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def task_of(classpath: str, converter: str, **settings: str) -> Iterator[JavaProgram]:
    """Yield a task of a sink, which converts on request."""
    pairs = [f"{key.replace('_', '.')}={value}" for key, value in settings.items()]
    with java_program(classpath, "Conversions", arguments=(converter, *pairs)) as program:
        yield program


@pytest.fixture(scope="module")
def classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("outage")
    copy_artifacts(LIBRARIES, folder / "jars")
    compiled = f"{JAVA}/registry.jar:{folder}/jars/*"
    sources = sorted(SOURCES.glob("*.java"))
    subprocess.run(["javac", "-cp", compiled, "-d", folder, *sources], check=True)
    return f"{folder}:{compiled}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.leave()


@pytest.fixture
def task(classpath: str, registry: Registry) -> Iterator[JavaProgram]:
    with task_of(
        classpath,
        "datapipe.connect.RegistryConverter",
        delegate="StandInConverter",
        wait_ms="20000",
        schema_registry_url=f"http://127.0.0.1:{registry.port}",
    ) as program:
        yield program


def test_the_converter_alone_makes_dead_letters_of_good_records(
    classpath: str, registry: Registry
) -> None:
    """The fault that is mended: without the wrapper, the next tests' records would be lost."""
    with task_of(
        classpath, "StandInConverter", schema_registry_url=f"http://127.0.0.1:{registry.port}"
    ) as bare:
        assert bare.ask(RECORD).startswith("dead letter")


@pytest.mark.parametrize(
    "failure",
    [
        None,
        "500 50001 Error in the backend data store",
        "503 <html>",
        "401 Unauthorized",
        "403 Forbidden",
        "429 Rate limited",
    ],
)
def test_a_good_record_waits_until_the_registry_answers(
    task: JavaProgram, registry: Registry, failure: str | None
) -> None:
    if failure is not None:
        registry.answer(failure)
    task.send(RECORD)
    time.sleep(1.5)
    registry.answer("200 {}")
    assert task.receive() == ARCHIVED


def test_a_registry_that_leaves_later_is_waited_for(task: JavaProgram, registry: Registry) -> None:
    registry.answer("200 {}")
    assert task.ask(RECORD) == ARCHIVED
    registry.leave()
    assert task.ask(RECORD) == ARCHIVED, "its schema is known"
    task.send("read 4 hello")
    time.sleep(1.5)
    registry.answer("200 {}")
    assert task.receive() == ARCHIVED


def test_a_source_waits_too(task: JavaProgram, registry: Registry) -> None:
    task.send("write hello")
    time.sleep(1.5)
    registry.answer("200 {}")
    assert task.receive() == ARCHIVED


def test_a_long_outage_stops_the_task_and_makes_no_dead_letter(
    classpath: str, registry: Registry
) -> None:
    with task_of(
        classpath,
        "datapipe.connect.RegistryConverter",
        delegate="StandInConverter",
        wait_ms="700",
        schema_registry_url=f"http://127.0.0.1:{registry.port}",
    ) as task:
        outcome = task.ask(RECORD)
        assert outcome.startswith("stopped: Schema Registry at http://127.0.0.1")
        assert "Connection refused" in outcome
        unavailable = task.ask("metrics")
        registry.answer("200 {}")
        assert task.ask(RECORD) == ARCHIVED
        available = task.ask("metrics")
    assert "UnavailableSeconds=0.0" not in unavailable
    assert "UnavailableSeconds=0.0" in available
    assert "Failed=0" not in available


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ("read poison", "200 {}"),
        ("read 3 truncated", "200 {}"),
        (RECORD, "404 40403 Schema 3 not found"),
    ],
)
def test_a_bad_record_becomes_a_dead_letter_at_once(
    task: JavaProgram, registry: Registry, record: str, answer: str
) -> None:
    registry.answer(answer)
    assert task.ask(record).startswith("dead letter")


def test_a_refused_schema_is_reported_with_its_subject_and_the_reason(
    task: JavaProgram, registry: Registry
) -> None:
    task.send("write hello")
    time.sleep(1.5)
    registry.answer(INCOMPATIBLE)
    outcome = task.receive()
    assert outcome == (
        "dead letter: Schema Registry refuses the new schema of subject t-value:"
        " READER_FIELD_MISSING_DEFAULT_VALUE, The field 'c' at path '/fields/1' in the new schema"
        " has no default value and is missing in the old schema"
    )
    metrics = task.ask("metrics")
    assert "type=refused,subject=t-value Refused=1" in metrics
    assert "UnavailableSeconds=0.0" in metrics, "it has answered"
    registry.answer("200 {}")
    assert task.ask("write hello") == ARCHIVED
    assert "refused" not in task.ask("metrics")
