"""The exports for psql: usable by libpq, and no password among them."""

from pathlib import Path
from typing import Any

from clients.env import variables
from clients.stack import parse_outputs

OUTPUTS: dict[str, Any] = {
    "namespace": "data-ingestion",
    "tables": ["public.users"],
    "database": {
        "host": "10.231.0.1",
        "port": 30432,
        "name": "ecommerce",
        "user": "postgres",
        "caCertificate": "PEM",
    },
    "topicPrefix": "postgres",
    "deadLetterTopics": {"sink": "s3-sink-dlq", "connect": "connect-dlq"},
    "budget": {"memoryMebibytes": 3584, "cpuMillicores": 3500, "storageMebibytes": 15360},
    "databasePassword": "s3cret-canary",
    "bootstrapServers": "10.231.0.1:30092",
    "connect": {"service": "kafka-connect", "port": 8083},
    "connectors": ["postgres-cdc-connector"],
    "archive": {
        "bucket": "datapipe-ingestion-sandbox",
        "prefix": "topics",
        "sink": "iceberg",
        "tables": {"public.users": "cdc.users"},
        "catalogDatabase": "cdc",
        "region": "us-east-1",
        "endpoint": None,
    },
}


def test_the_password_is_in_a_private_file_and_in_no_variable(tmp_path: Path) -> None:
    found = variables(parse_outputs("sandbox", OUTPUTS), tmp_path / "sandbox")

    assert "s3cret-canary" not in " ".join(found.values())
    passwords = Path(found["PGPASSFILE"])
    assert passwords.read_text() == "10.231.0.1:30432:ecommerce:postgres:s3cret-canary\n"
    assert passwords.stat().st_mode & 0o077 == 0
    assert Path(found["PGSSLROOTCERT"]).read_text() == "PEM"
    assert found["PGSSLMODE"] == "verify-full"


def test_without_node_ports_there_is_no_database_to_reach(tmp_path: Path) -> None:
    outputs = {**OUTPUTS, "database": {**OUTPUTS["database"], "port": None}}
    assert variables(parse_outputs("prod", outputs), tmp_path) == {
        "BOOTSTRAP_SERVERS": "10.231.0.1:30092",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
