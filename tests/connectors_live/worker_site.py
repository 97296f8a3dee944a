"""The sandbox's worker and database, as connectors in addition to the pipeline's use them."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from kubernetes import client

from clients.stack import StackOutputs
from components.config.source import SourceSettings
from components.streaming.sinks.iceberg import CONTROL_TOPIC
from components.workloads import CONFIG_DIR, Workload, service_host
from kafka_connect.access import open_access
from kafka_connect.client import ConnectClient
from kafka_connect.cluster_access import ClusterAccess
from kafka_connect.failures import ConnectorMissingError
from polling import poll_until
from tests.engine.pulumi_project import Project, Run

# The variables of the worker's environment that these connectors refer to.
ENVIRONMENT = ("DBZ_DB_USERNAME", "DBZ_DB_PASSWORD", "S3_BUCKET_NAME", "AWS_SECRET_ACCESS_KEY")
JSON = {"schemas_enable": True}
SLOT_SECONDS = 30
# Little memory: the worker has the pipeline's own connectors, too.
SMALL = {"max.queue.size": "1024", "max.batch.size": "256"}


@dataclass(frozen=True)
class Site:
    """Where the tests' connectors run."""

    outputs: StackOutputs
    connection: psycopg.Connection[dict[str, Any]]
    """to the database, as superuser"""

    @property
    def worker(self) -> dict[str, Any]:
        """The arguments of a ServiceProxy to the worker."""
        service = self.outputs.connect
        return {
            "namespace": self.outputs.namespace,
            "service": service.service,
            "port": service.port,
            "context": self.outputs.context,
        }

    def connect(self) -> ConnectClient:
        """For looking at the worker, and for meddling with it."""
        return ConnectClient(*open_access(self.worker))

    def source(self, name: str, table: str, **fields: Any) -> dict[str, Any]:
        """Return the fields of a source connector with names of its own everywhere."""
        return {
            "name": name,
            "hostname": service_host(Workload.POSTGRESQL, self.outputs.namespace),
            "port": SourceSettings().port,
            "database": self.outputs.database.name,
            "sslmode": "verify-full",
            "sslrootcert": f"{CONFIG_DIR}/postgresql-ca.crt",
            "topic_prefix": name,
            "tables": [f"public.{table}"],
            "slot": name,
            "publication": name,
            "transaction_metadata": False,
            "key_converter": JSON,
            "value_converter": JSON,
            "extra": SMALL,
            **fields,
        }

    def sink(self, name: str, topic: str, **fields: Any) -> dict[str, Any]:
        """Return the fields of an Iceberg sink that reads one topic."""
        archive = self.outputs.archive
        return {
            "name": name,
            "tasks_max": 1,
            "routes": {topic: f"{archive.catalog_database}.{name}"},
            "control_topic": CONTROL_TOPIC,
            "commit_interval_ms": 5000,
            "region": archive.region,
            "endpoint": archive.endpoint,
            "key_converter": JSON,
            "value_converter": JSON,
            **fields,
        }

    def debezium_password(self) -> str:
        """Return what must be seen nowhere."""
        core = client.CoreV1Api(ClusterAccess(self.outputs.context).api_client())
        secret = core.read_namespaced_secret(Workload.CONNECT.value, self.outputs.namespace)
        encoded: str = secret.to_dict()["data"]["DBZ_DB_PASSWORD"]
        return base64.b64decode(encoded).decode()

    def make_topics(self, *names: str) -> None:
        """As the stack makes its own: with as many replicas as there are brokers."""
        admin = AdminClient({**self.outputs.kafka})
        replicas = len(admin.list_topics(timeout=10).brokers)
        made = admin.create_topics([NewTopic(name, 1, replicas) for name in names])
        for future in made.values():
            future.result()

    def delete_topics(self, *names: str) -> None:
        """For good, with what is in them."""
        admin = AdminClient({**self.outputs.kafka})
        for future in admin.delete_topics(list(names)).values():
            future.result()

    def slots(self) -> set[str]:
        """Return the replication slots in the database."""
        found = self.connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
        return {row["slot_name"] for row in found}

    def forget(self, connector: str) -> None:
        """Remove a connector with its offsets, and its slot, in whatever state they are."""
        connect = self.connect()
        with suppress(ConnectorMissingError):
            connect.stop(connector)
            connect.reset_offsets(connector)
            connect.delete(connector)
        # A process that is ending may still hold the slot.
        poll_until(
            lambda: self._drop_slot(connector),
            timeout=SLOT_SECONDS,
            interval=0.5,
            description=f"the slot {connector} to be free",
            retry_on=(psycopg.errors.ObjectInUse,),
        )

    def _drop_slot(self, name: str) -> bool:
        self.connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
            " WHERE slot_name = %s AND active",
            [name],
        )
        self.connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = %s",
            [name],
        )
        return True


@dataclass(frozen=True)
class Program:
    """The small Pulumi program with a state of its own."""

    site: Site
    project: Project

    def declare(self, kind: str, fields: Mapping[str, Any], **resource: Any) -> None:
        """From now on the program declares this connector only."""
        self._write([{"kind": kind, "fields": fields, "resource": resource}])

    def declare_nothing(self) -> None:
        """From now on the program declares no connector."""
        self._write([])

    def _write(self, connectors: list[Mapping[str, Any]]) -> None:
        declared = {
            "connectors": connectors,
            "worker": self.site.worker,
            "environment": ENVIRONMENT,
        }
        (self.project.folder / "connectors.json").write_text(json.dumps(declared))

    def up(self, *, check: bool = True) -> Run:
        """`pulumi up`; fails the test where it fails and check is set."""
        return self.project.pulumi("up", "--yes", "--skip-preview", check=check)

    def preview(self, *, check: bool = True) -> Run:
        """`pulumi preview --diff`."""
        return self.project.pulumi("preview", "--diff", check=check)

    def refresh(self) -> Run:
        """`pulumi refresh --diff`."""
        return self.project.pulumi("refresh", "--yes", "--skip-preview", "--diff")


def folder_of_the_program(target: Path) -> Path:
    """Return a copy of the program in which connectors.json can be written."""
    source = Path(__file__).parent / "program"
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).symlink_to(file)
    return target
