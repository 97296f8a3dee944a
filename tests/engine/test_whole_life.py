"""A stack's whole life through the real engine: preview, up, nothing, update, refresh, destroy."""

import json
import shutil
from pathlib import Path

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from pulumi_project import PROJECT, Project

from components.cluster_access import ClusterAccess

NAMESPACE = "engine-test"


@pytest.fixture
def layers(project: Project, tmp_path: Path):
    """The small project of tests/engine/layers with a state of its own; destroyed in any case."""
    folder = tmp_path / "layers"
    folder.mkdir()
    shutil.copy(PROJECT / "tests/engine/layers/Pulumi.yaml", folder)
    (folder / "__main__.py").symlink_to(PROJECT / "tests/engine/layers/__main__.py")
    environment = {
        **project.environment,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PYTHONPATH": str(PROJECT),
    }
    layers = Project(folder, "life", environment)
    layers.pulumi("stack", "init")
    layers.pulumi("config", "set", "days", "30")
    yield layers
    layers.pulumi("destroy", "--yes", "--skip-preview", check=False)


def test_whole_life(layers: Project) -> None:
    core = client.CoreV1Api(ClusterAccess().api_client())

    preview = layers.pulumi("preview", "--json").steps()
    assert set(preview.values()) == {"create"}
    assert layers.resources() == [] or len(layers.resources()) <= 1

    layers.pulumi("up", "--yes")
    assert core.read_namespace(NAMESPACE).status.phase == "Active"
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
