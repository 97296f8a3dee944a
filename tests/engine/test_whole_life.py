"""A stack's whole life through the real engine: preview, up, nothing, update, refresh, destroy."""

import json

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from kafka_connect.cluster_access import ClusterAccess
from tests.engine.pulumi_project import Project

pytestmark = pytest.mark.cluster

NAMESPACE = "engine-test"


def test_whole_life(layers: Project) -> None:
    core = client.CoreV1Api(ClusterAccess().api_client())

    preview = layers.pulumi("preview", "--json").steps()
    assert set(preview.values()) == {"create"}
    assert len(layers.resources()) <= 1  # the stack itself

    layers.pulumi("up", "--yes")
    status = core.read_namespace(NAMESPACE).status
    assert status is not None
    assert status.phase == "Active"
    layers.pulumi("up", "--yes", "--expect-no-changes")

    layers.pulumi("config", "set", "days", "60")
    changes = layers.pulumi("preview", "--json").steps()
    assert list(changes.values()) == ["update"], changes
    layers.pulumi("up", "--yes")
    layers.pulumi("refresh", "--yes", "--expect-no-changes")

    secret = json.loads(layers.pulumi("stack", "output", "--json", "--show-secrets").output)[
        "secretAccessKey"
    ]
    assert secret
    assert secret not in layers.pulumi("stack", "export").output

    layers.pulumi("destroy", "--yes")
    with pytest.raises(ApiException) as gone:
        core.read_namespace(NAMESPACE)
    assert gone.value.status == 404
