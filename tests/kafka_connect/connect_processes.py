"""A real broker and real Kafka Connect workers as plain processes, for tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from components.images import FAMILIES
from components.streaming.connect.configuration import POD_IP, worker_properties
from components.streaming.properties import render_properties
from kafka_connect.client import ConnectClient
from polling import poll_until
from tests.java_programs import ending_with_the_tests
from tests.unit.kafka_brokers import JVM, LOG4J, class_path
from tests.unit.postgres_server import STOP_SECONDS, free_port
from tests.unit.streaming_stack import sandbox

START_SECONDS = 180
# For the jars of Iceberg and Debezium.
WORKER_HEAP = "-Xmx512m"
BROKER = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


@dataclass
class ConnectProcesses:
    """A broker, and workers of one group with the rendered settings of the sandbox."""

    folder: Path
    plugins: Path
    """a folder with a folder for each plugin"""
    environment: Mapping[str, str] = field(default_factory=dict)
    """the variables that connectors may refer to"""
    broker_port: int = field(default_factory=free_port)
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    broker: subprocess.Popen[bytes] | None = None
    """workers by the port of their REST API"""

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.broker_port}"

    def start_broker(self) -> None:
        """Start a broker and wait until it answers."""
        (self.folder / "log4j.properties").write_text(LOG4J)
        settings = BROKER.format(port=self.broker_port, controller=free_port(), folder=self.folder)
        file = self.folder / "server.properties"
        file.write_text(settings)
        tool = ("kafka.tools.StorageTool", "format", "--cluster-id", "MkU3OEVBNTcwNTJENDM2Qg")
        if self._run("broker", *tool, "--config", str(file)).wait(START_SECONDS):
            raise RuntimeError(f"storage was not formatted: {self.log('broker')[-3000:]}")
        self.broker = self._run("broker", "kafka.Kafka", str(file))
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        poll_until(
            lambda: bool(admin.list_topics(timeout=2).brokers),
            timeout=START_SECONDS,
            interval=0.5,
            description="the broker",
            retry_on=(Exception,),
        )

    def make_topics(self, *names: str) -> None:
        """Create topics of one partition."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        for made in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
            made.result(START_SECONDS)

    def delete_topics(self, *names: str) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        for deleted in admin.delete_topics(list(names)).values():
            deleted.result(START_SECONDS)

    def start_worker(self) -> int:
        """Start a worker and return the port at which it answers."""
        port = free_port()
        stack = sandbox(connect={"port": port})
        properties = worker_properties(
            stack.connect, FAMILIES["apache"], 1, self.bootstrap, tuple(self.environment)
        )
        changed = {
            "plugin.path": str(self.plugins),
            "rest.extension.classes": "",
            "listeners": f"http://127.0.0.1:{port}",
        }
        file = self.folder / f"worker-{port}.properties"
        file.write_text(render_properties({**properties, **changed}))
        program = "org.apache.kafka.connect.cli.ConnectDistributed"
        self.workers[port] = self._run(f"worker-{port}", program, str(file), heap=WORKER_HEAP)
        client = self.client(port)
        poll_until(
            lambda: self._lives(port) and client.answers(2) and client.plugin_classes(),
            timeout=START_SECONDS,
            interval=0.5,
            description=f"the worker at {port}",
            retry_on=(Exception,),
        )
        return port

    def client(self, port: int) -> ConnectClient:
        return ConnectClient(requests.Session(), f"http://127.0.0.1:{port}")

    def log(self, process: str) -> str:
        return (self.folder / f"{process}.log").read_text()

    def stop(self) -> None:
        """End all processes."""
        started = [*self.workers.values(), *([self.broker] if self.broker else [])]
        for process in started:
            process.kill()
        for process in started:
            process.wait(STOP_SECONDS)

    def _lives(self, port: int) -> bool:
        if (code := self.workers[port].poll()) is not None:
            raise SystemExit(f"the worker ended with {code}: {self.log(f'worker-{port}')[-3000:]}")
        return True

    def _run(self, name: str, *command: str, heap: str = "") -> subprocess.Popen[bytes]:
        options = [
            *JVM,
            *filter(None, [heap]),
            f"-Dlog4j.configuration=file:{self.folder}/log4j.properties",
        ]
        environment = {**os.environ, **self.environment, POD_IP: "127.0.0.1"}
        java = shutil.which("java") or "java"
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                ending_with_the_tests([java, *options, "-cp", class_path(), *command]),
                stdout=log,
                stderr=log,
                env=environment,
            )


@contextmanager
def running(folder: Path, plugins: Path, **settings: object) -> Iterator[ConnectProcesses]:
    """Yield a broker without workers; all processes end with the block."""
    processes = ConnectProcesses(folder, plugins, **settings)  # type: ignore[arg-type]
    try:
        processes.start_broker()
        yield processes
    finally:
        processes.stop()
