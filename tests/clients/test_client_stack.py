"""A client reads the stack's outputs, or reports what to do."""

from pathlib import Path
from typing import Any

import pytest

from clients.stack import StackError, parse_outputs, read_outputs

OUTPUTS: dict[str, Any] = {
    "namespace": "data-ingestion",
    "tables": ["public.users"],
    "database": {
        "host": "10.231.0.1",
        "port": 30432,
        "name": "ecommerce",
        "user": "postgres",
        "caCertificate": "-----BEGIN CERTIFICATE-----",
    },
    "topicPrefix": "postgres",
    "deadLetterTopics": {"sink": "s3-sink-dlq", "connect": "connect-dlq"},
    "budget": {"memoryMebibytes": 3584, "cpuMillicores": 3500, "storageMebibytes": 15360},
    "databasePassword": "s3cret",
    "bootstrapServers": "10.231.0.1:30092",
    "connect": {"service": "kafka-connect", "port": 8083},
    "connectors": ["postgres-cdc-connector", "s3-sink-connector"],
    "anything": "that no client needs",
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


def test_outputs_are_typed() -> None:
    outputs = parse_outputs("sandbox", OUTPUTS)
    assert outputs.tables == ("public.users",)
    assert outputs.database.port == 30432
    assert outputs.archive.catalog_database == "cdc"


def test_the_password_is_not_shown_by_accident() -> None:
    outputs = parse_outputs("sandbox", OUTPUTS)
    assert "s3cret" not in f"{outputs!r} {outputs}"
    assert outputs.database_password.get_secret_value() == "s3cret"


def test_a_stack_without_outputs_is_not_deployed() -> None:
    with pytest.raises(StackError, match="not deployed; run make up STACK=sandbox"):
        parse_outputs("sandbox", {})


def test_an_unfinished_deployment_names_the_missing_output() -> None:
    partial = {name: value for name, value in OUTPUTS.items() if name != "archive"}
    with pytest.raises(StackError, match=r"archive.*did not finish"):
        parse_outputs("sandbox", partial)


def test_an_unknown_stack_shows_pulumis_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pulumi(tmp_path, "echo 'error: no stack named sandbox found' >&2; exit 255")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(StackError, match="run make up STACK=sandbox first: error: no stack named"):
        read_outputs("sandbox")


def test_without_pulumi_the_message_names_make_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="make env"):
        read_outputs("sandbox")


def _pulumi(folder: Path, script: str) -> None:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
