"""Real brokers as plain processes, with the files that the streaming layer renders, for tests."""

import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from components.certificates import KeyPair, issue_authority, issue_certificate
from components.config import StackConfig
from components.streaming.access.accounts import Account
from components.streaming.access.transport import AUTHORITY, IDENTITY, TLS_DIR
from components.streaming.kafka.cluster_id import random_cluster_id
from components.streaming.kafka.configuration import (
    LOG_DIR,
    KafkaNetwork,
    node_properties,
    shared_properties,
)
from components.streaming.properties import render_properties
from images.jars import read_checksums
from tests.java_programs import ending_with_the_tests
from tests.unit.postgres_server import STOP_SECONDS
from tools import paths

# Small and quick to start.
JVM = ("-Xmx224m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
START_SECONDS = 240
LOG4J = """
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %-5p %m (%c)%n
log4j.logger.kafka.authorizer.logger=INFO
log4j.logger.org.apache.kafka.common.network.Selector=INFO
"""


def class_path(module: str = "kafka") -> str:
    """Return the jars of an image in the cache of the images' build."""
    names = set(read_checksums(module))
    found = {jar.name: jar for jar in (paths.cache() / "maven").rglob("*.jar") if jar.name in names}
    return ":".join(str(jar) for _, jar in sorted(found.items()))


@dataclass
class Authority:
    """A certificate authority, as the program has one."""

    pair: KeyPair = field(default_factory=lambda: issue_authority("authority of a test", 10))

    def issue(self, common_name: str, hosts: tuple[str, ...] = (), days: int = 1) -> KeyPair:
        """Return a certificate; one of days < 0 has ended."""
        return issue_certificate(self.pair, common_name, hosts, days)


def login(authority: KeyPair, certificate: KeyPair) -> dict[str, str]:
    """Return what librdkafka needs to connect with a certificate."""
    return {
        "security.protocol": "SSL",
        "ssl.ca.pem": authority.certificate,
        "ssl.certificate.pem": certificate.certificate,
        "ssl.key.pem": certificate.private_key,
    }


class BrokerProcesses:
    """The brokers of a stack, each at a loopback address of its own."""

    def __init__(self, folder: Path, config: StackConfig, authority: Authority) -> None:
        self.folder, self.config, self.authority = folder, config, authority
        self.version = config.security.credentials_version
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.cluster_id = random_cluster_id()
        self._jars = class_path()
        (folder / "log4j.properties").write_text(LOG4J)
        self.write_hosts()

    @property
    def network(self) -> KafkaNetwork:
        return KafkaNetwork(
            self.config.kafka, self.config.cluster, self.config.security.namespace, self.version
        )

    @property
    def ordinals(self) -> range:
        return range(self.config.kafka.brokers)

    @property
    def bootstrap(self) -> str:
        """Where clients outside find the brokers."""
        return ",".join(self.network.external_bootstrap)

    @property
    def hosts_file(self) -> Path:
        """The names of the cluster's DNS, for a JVM."""
        return self.folder / "hosts"

    def write_hosts(self) -> None:
        addresses = {self.network.host(n): _address(n) for n in self.ordinals}
        addresses |= {"localhost": "127.0.0.1", socket.gethostname(): "127.0.0.1"}
        addresses[self.network.bootstrap.rpartition(":")[0]] = _address(0)
        lines = [f"{address} {name}\n" for name, address in addresses.items()]
        self.hosts_file.write_text("".join(lines))

    def write(self, ordinal: int) -> None:
        """Write a broker's settings and the certificate of the present version."""
        home = self.folder / self.network.pod(ordinal)
        (home / "tls").mkdir(parents=True, exist_ok=True)
        name = Account.BROKERS.common_name(self.version)
        certificate = self.authority.issue(name, self.network.server_names)
        (home / "tls" / IDENTITY).write_text(certificate.private_key + certificate.certificate)
        (home / "tls" / AUTHORITY).write_text(self.authority.pair.certificate)
        text = render_properties(
            shared_properties(self.network) | node_properties(self.network, ordinal)
        )
        text = text.replace(TLS_DIR, str(home / "tls")).replace(LOG_DIR, str(home / "data"))
        # On one machine, each needs an address of its own, and the ports of the node ports.
        external = f"EXTERNAL://{self.network.external(ordinal)}"
        text = text.replace(f"EXTERNAL://:{self.config.kafka.external_port}", external)
        text = text.replace("://:", f"://{self.network.host(ordinal)}:")
        (home / "server.properties").write_text(text)

    def start(self) -> None:
        """Format the storage and start all brokers; returns when each accepts clients."""
        for ordinal in self.ordinals:
            self.write(ordinal)
        arguments = ("format", "--cluster-id", self.cluster_id, "--config")
        formats = [self._run(n, "kafka.tools.StorageTool", *arguments) for n in self.ordinals]
        for process in formats:
            if process.wait(START_SECONDS):
                raise RuntimeError(f"storage was not formatted: {self.logs()}")
        for ordinal in self.ordinals:
            self.launch(ordinal)
        for ordinal in self.ordinals:
            self.wait(ordinal)

    def launch(self, ordinal: int) -> None:
        """Start one broker, without waiting for it.

        Raises RuntimeError if another process, such as a broker of an earlier run, has its address.
        """
        address = (_address(ordinal), self.config.kafka.port)
        with socket.socket() as probe:
            if probe.connect_ex(address) == 0:
                raise RuntimeError(f"{address} is in use")
        self.processes[ordinal] = self._run(ordinal, "kafka.Kafka")

    def wait(self, ordinal: int) -> None:
        """Wait until a broker accepts clients, as its readiness probe does."""
        address = (_address(ordinal), self.config.kafka.port)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.processes[ordinal].poll() is None:
            try:
                socket.create_connection(address, 1).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(
            f"{self.network.pod(ordinal)} did not start: {self.log(ordinal)[-3000:]}"
        )

    def restart(self, ordinal: int) -> None:
        """Stop a broker as a rolling update does, and start it with its present files."""
        self._stop(ordinal)
        self.write(ordinal)
        self.launch(ordinal)
        self.wait(ordinal)

    def stop(self) -> None:
        """End all brokers."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(STOP_SECONDS)

    def log(self, ordinal: int) -> str:
        return (self.folder / self.network.pod(ordinal) / "log").read_text()

    def logs(self) -> str:
        return "".join(self.log(ordinal) for ordinal in self.ordinals)

    def _stop(self, ordinal: int) -> None:
        process = self.processes[ordinal]
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)

    def _run(self, ordinal: int, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        home = self.folder / self.network.pod(ordinal)
        java = shutil.which("java") or "java"
        options = (
            *JVM,
            f"-Djdk.net.hosts.file={self.hosts_file}",
            f"-Dlog4j.configuration=file:{self.folder / 'log4j.properties'}",
        )
        command = [java, *options, "-cp", self._jars, program, *arguments]
        with (home / "log").open("ab") as log:
            return subprocess.Popen(
                ending_with_the_tests([*command, str(home / "server.properties")]),
                stdout=log,
                stderr=log,
            )


def free_node_ports(count: int) -> int:
    """Return the first of some successive ports of Kubernetes' range that are free."""
    for first in range(30100, 32700, 10):
        try:
            for port in range(first, first + count):
                with socket.create_server(("127.0.0.1", port)):
                    pass
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports from 30100 on")


def _address(ordinal: int) -> str:
    return f"127.0.1.{ordinal + 1}"
