"""A connector whose task fails shows its cause, and what to do, in `pulumi up` within a minute."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
import requests

from clients.dlq.replay import dismiss
from tests.connectors_live.worker_site import Program, Site
from tests.engine.exclusive_aws import exclusive_aws
from tests.engine.pulumi_project import Run

NAME = "failing_test"
# A topic of the pipeline, as a sink fails with the first record that it reads.
TOPIC = "postgres.public.products"
# In its own database, which the sink creates: the pipeline's database has its own location in the
# archive's bucket, whatever the warehouse is.
OWN_TABLE = {TOPIC: f"{NAME}.{NAME}"}
WITHIN_SECONDS = 60
# Moto denies all of Glue to a user whose policy names resources, so the denial would be Glue's.
MAY_USE_GLUE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "glue:*", "Resource": "*"}],
}


@pytest.fixture(autouse=True)
def _nothing_stays(site: Site) -> Iterator[None]:
    yield
    site.forget(NAME)
    glue = boto3.client(
        "glue", endpoint_url=site.outputs.archive.endpoint, region_name=site.outputs.archive.region
    )
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_database(Name=NAME)
    # Of records in the topic that no sink can read, such as those of tests/chaos.
    dismiss(site.outputs.kafka, site.outputs.dead_letter_topics.names)


def failed_up(program: Program, kind: str, fields: dict[str, Any]) -> Run:
    """Return an update that must fail within a minute."""
    program.declare(kind, fields)
    began = time.monotonic()
    run = program.up(check=False)
    took = time.monotonic() - began
    print(f"reported after {took:.0f} s:\n{run.output}")
    assert run.code != 0
    assert took < WITHIN_SECONDS
    return run


def test_a_wrong_password(site: Site, program: Program) -> None:
    wrong = site.source(NAME, "products", password="${env:S3_BUCKET_NAME}")
    run = failed_up(program, "source", wrong)
    assert 'password authentication failed for user "debezium"' in run.output
    assert "what to do: The database refuses the password" in run.output


def test_a_dropped_publication(site: Site, program: Program) -> None:
    run = failed_up(program, "source", site.source(NAME, "products"))
    assert f"connector {NAME} failed" in run.output
    assert "Publication autocreation is disabled" in run.output
    assert "what to do: The publication is made by the schema" in run.output


@pytest.fixture
def enforced_iam(site: Site) -> Iterator[None]:
    """AWS that asks what a user may do; the sink's user may use all of Glue meanwhile."""
    with exclusive_aws():
        yield from _enforced_iam(site)


def _enforced_iam(site: Site) -> Iterator[None]:
    archive = site.outputs.archive
    iam = boto3.client("iam", endpoint_url=archive.endpoint, region_name=archive.region)
    users = [user["UserName"] for user in iam.list_users()["Users"]]
    for user in users:
        iam.put_user_policy(UserName=user, PolicyName=NAME, PolicyDocument=json.dumps(MAY_USE_GLUE))
    enforce(archive.endpoint, "0")
    yield
    enforce(archive.endpoint, "inf")
    for user in users:
        iam.delete_user_policy(UserName=user, PolicyName=NAME)


def enforce(endpoint: str | None, after_requests: str) -> None:
    switch = f"{endpoint}/moto-api/reset-auth"
    requests.post(switch, data=after_requests, timeout=10).raise_for_status()


@pytest.mark.usefixtures("enforced_iam")
def test_s3_denied(site: Site, program: Program) -> None:
    site.connection.execute("INSERT INTO products (name, price) VALUES ('denied', 1)")
    bucket = site.outputs.archive.bucket
    sink = site.sink(
        NAME, TOPIC, routes=OWN_TABLE, warehouse=f"s3://{bucket}/outside-of-what-it-may"
    )
    run = failed_up(program, "sink", sink)
    assert f"connector {NAME} failed" in run.output
    assert "Access Denied (Service: S3, Status Code: 403" in run.output
    assert "what to do: AWS denies the sink" in run.output


def test_a_bucket_that_is_not_there(site: Site, program: Program) -> None:
    sink = site.sink(NAME, TOPIC, routes=OWN_TABLE, warehouse="s3://datapipe-no-such-bucket/topics")
    run = failed_up(program, "sink", sink)
    assert "NoSuchBucketException" in run.output
    assert "what to do: The bucket does not exist" in run.output
