"""What the unit tests share: a stack's configuration, and its layers run without an engine."""

from collections.abc import Callable
from typing import Any

import pytest

from components.config import StackConfig, parse
from components.config.tables import SAMPLE_TABLES
from tests.unit.deployment import Deployment, deploy


@pytest.fixture
def stack() -> Callable[..., StackConfig]:
    """The configuration of a stack file with these sections, the design's elsewhere."""

    def configured(**sections: Any) -> StackConfig:
        archive = {"bucket": "datapipe-ingestion-test", **sections.pop("archive", {})}
        required = {"tables": SAMPLE_TABLES, "archive": archive}
        return parse({**required, **sections}, "Pulumi.test.yaml")

    return configured


@pytest.fixture(name="deploy")
def deploy_fixture() -> Callable[[Callable[[], dict[str, Any]]], Deployment]:
    """Runs a program that declares components; see deployment.py."""
    return deploy
