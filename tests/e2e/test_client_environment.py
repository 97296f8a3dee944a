"""Every client that `make env` names works in a new shell after copy and paste."""

import os
import subprocess

import pytest

from clients.stack import StackOutputs
from tests.engine.pulumi_project import PROJECT, STACK

pytestmark = pytest.mark.pipeline

KAFKA = """python -c '
import os
from confluent_kafka.admin import AdminClient
client = AdminClient({"bootstrap.servers": os.environ["BOOTSTRAP_SERVERS"]})
print(*client.list_topics(timeout=15).topics)'
"""
BOTO = """python -c '
import boto3
print(*(bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]))'
"""
CLIENTS = {
    "psql": ("psql -Atc 'SELECT current_database(), ssl FROM pg_stat_ssl"
             " WHERE pid = pg_backend_pid()'", "ecommerce|t"),
    "kubectl": ("kubectl -n data-ingestion get pods -o name", "pod/postgresql-0"),
    "pulumi": (f"pulumi stack output --stack {STACK} namespace", "data-ingestion"),
    "kafka": (KAFKA, "postgres.public.users"),
    "boto3": (BOTO, "{bucket}"),
    "datapipe": ("datapipe dlq list", ""),
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_works_by_copy_and_paste(outputs: StackOutputs, client: str) -> None:
    command, expected = CLIENTS[client]
    done = subprocess.run(
        ["bash", "-ec", f'eval "$(make --silent env)"; {command}'],
        cwd=PROJECT,
        env={name: os.environ[name] for name in ("HOME", "PATH")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert expected.format(bucket=outputs.archive.bucket) in done.stdout
