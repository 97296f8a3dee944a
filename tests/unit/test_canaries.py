"""Planted secrets appear in no resource of the whole program except where they belong.

Marking a value as secret does not suffice: a ConfigMap or a connector's configuration is in clear
text in the cluster, even if the state encrypts it. tests/e2e/test_secrets.py looks for the real
secrets of a running stack.
"""

import json
import re
import secrets
from itertools import count
from pathlib import Path

import pytest
import yaml

from components.config import parse
from tests.unit.deployment import Deployment, visible_text
from tests.unit.streaming_stack import deploy_stack

ROOT = Path(__file__).parents[2]
# Kubernetes' own kind for secrets, the resources that pass them to psql, those that are signed with
# the key of Kafka's authority, and those that log in to Kafka with a key.
MAY_HOLD_SECRETS = (
    *("Secret", "DatabaseSchema", "DatabaseAccount", "AccountCertificate"),
    *("providers:kafka", "CapturedTables"),
)
# What the access key of the mocked AWS has.
ACCESS_KEY = "a-secret-access-key"


@pytest.fixture(scope="module", params=["dev", "sandbox", "prod"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """A whole stack of a stack file, whose generated passwords are canaries."""
    numbers = count()
    stack_file = ROOT / f"Pulumi.{request.param}.yaml"
    given = yaml.safe_load(stack_file.read_text())["config"]
    values = {key.removeprefix("datapipe:"): value for key, value in given.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_urlsafe", lambda _: f"canary-{next(numbers)}-canary")
        return deploy_stack(parse(values, stack_file.name))


def text_of(deployment: Deployment, *, holding: bool) -> str:
    """Return the inputs of the resources that may hold secrets, or of all others."""
    return "\n".join(
        json.dumps(one.inputs)
        for one in deployment.resources
        if one.type.endswith(tuple(f":{kind}" for kind in MAY_HOLD_SECRETS)) is holding
    )


def test_they_are_where_they_must_be(deployment: Deployment) -> None:
    text = text_of(deployment, holding=True)
    with_registry = "schema-registry" in {one.object_name for one in deployment.of_type("Secret")}
    assert len(set(re.findall(r"canary-\d", text))) == (5 if with_registry else 2)
    assert (ACCESS_KEY in text) is bool(deployment.of_type("AccessKey"))
    assert "PRIVATE KEY" in text


@pytest.mark.parametrize("canary", ["canary-", ACCESS_KEY, "PRIVATE KEY"])
def test_they_are_nowhere_else(deployment: Deployment, canary: str) -> None:
    text = text_of(deployment, holding=False)
    assert "${env:DBZ_DB_PASSWORD}" in text
    assert canary not in text


@pytest.mark.parametrize("canary", ["canary-", ACCESS_KEY, "PRIVATE KEY"])
def test_they_are_secret_in_the_state(deployment: Deployment, canary: str) -> None:
    assert canary not in visible_text(deployment)
