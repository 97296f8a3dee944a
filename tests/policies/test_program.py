"""The pack on the pipeline's own program, stack by stack, through the real engine."""

from typing import Any

import pytest
import yaml

from review.preview import PROJECT, Preview
from tests.previews import Previews

pytestmark = pytest.mark.engine

# Not the digest of any image; whoever deploys production fills in the real ones.
DIGEST = f"sha256:{'0' * 64}"


def sizing(**limits: dict[str, str]) -> dict[str, Any]:
    """Return the stack file's change that sets `datapipe:sizing`."""
    return {"datapipe:sizing": limits}


@pytest.mark.parametrize("stack", ["dev", "sandbox"])
def test_the_program_passes(previews: Previews, stack: str) -> None:
    made = previews(stack)

    assert made.resources
    assert made.violations == []


@pytest.mark.parametrize(
    ("stack", "total", "limit"), [("dev", 4103, 4096), ("sandbox", 4103, 4096)]
)
def test_a_broker_3_mib_larger_is_refused_with_the_table_and_the_smallest_change(
    previews: Previews, stack: str, total: int, limit: int
) -> None:
    refused = previews(stack, sizing(broker={"memoryLimit": "685Mi"}))

    [violation] = refused.violations
    assert violation.policy == "memory-budget"
    assert f"add up to {total}Mi; `limit` is {limit}Mi, exceeded by 7Mi" in violation.message
    assert "StatefulSet kafka" in violation.message
    assert "smallest change that fits: lower the limit" in violation.message


@pytest.mark.parametrize("stack", ["dev", "sandbox"])
def test_a_broker_3_mib_larger_fits_if_the_worker_is_smaller(
    previews: Previews, stack: str
) -> None:
    smaller = {"memoryRequest": "1015Mi", "memoryLimit": "1015Mi"}

    made = previews(stack, sizing(broker={"memoryLimit": "685Mi"}, connect=smaller))

    assert made.violations == []


@pytest.fixture
def production(previews: Previews) -> Preview:
    """The prod stack with every image pinned."""
    document = yaml.safe_load((PROJECT / "Pulumi.prod.yaml").read_text())
    images = document["config"]["datapipe:images"]
    pinned = {name: f"{image}@{DIGEST}" for name, image in images.items()}
    return previews("prod", {"datapipe:images": pinned})


def test_production_passes_with_its_images_pinned(production: Preview) -> None:
    assert production.violations == []


def test_production_has_a_connector_for_each_table(production: Preview) -> None:
    names = {resource.name for resource in production.resources}

    for table in ("users", "products", "orders", "order_items"):
        assert f"postgres-cdc-connector-public.{table}" in names


def test_production_as_committed_is_refused_for_its_images_alone(previews: Previews) -> None:
    """The stack file has no digests: whoever deploys it fills them in."""
    violations = previews("prod").violations

    assert {violation.policy for violation in violations} == {"images"}
    assert any("cp-kafka:7.9.2 has no digest" in violation.message for violation in violations)
