"""The prod stack's preview: every manifest by server-side dry run on the sandbox's API server."""

from pathlib import Path

import pytest
import yaml

from tests.engine.pulumi_project import Project, policies

pytestmark = pytest.mark.cluster

# Not the digest of any image; whoever deploys production fills in the real ones.
DIGEST = f"sha256:{'0' * 64}"


def fill_in(stack_file: Path) -> None:
    """Fill in what the committed file leaves open: the cluster and the digests."""
    document = yaml.safe_load(stack_file.read_text())
    cluster = document["config"]["datapipe:cluster"]
    del cluster["context"]
    # The preview compares it with the nodes of the cluster that answers: the sandbox's.
    cluster["nodeNetwork"] = "10.231.0.1/32"
    images = document["config"]["datapipe:images"]
    for name, image in images.items():
        images[name] = f"{image}@{DIGEST}"
    stack_file.write_text(yaml.safe_dump(document))


def test_preview_of_prod_passes_against_a_real_api_server(
    project: Project, copied_project: Path, tmp_path: Path
) -> None:
    fill_in(copied_project / "Pulumi.prod.yaml")
    environment = {**project.environment, "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    prod = Project(copied_project, "prod", environment)
    prod.pulumi("stack", "init")

    steps = prod.pulumi("preview", "--json", *policies("prod")).steps()

    assert set(steps.values()) == {"create"}
    for table in ("users", "orders"):
        connector = f"postgres-cdc-connector-public.{table}"
        assert f"pulumi-python:dynamic/kafka:Connector {connector}" in steps
