"""Bad input is refused in preview, by the key's name and with what is allowed; nothing is made."""

from typing import Any

import pytest

from tests.engine.pulumi_project import ChangedStackFile, Project

pytestmark = pytest.mark.pipeline

REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "negative size": (
        {"sizing": {"broker": {"memoryLimit": "-682Mi"}}},
        ("datapipe:sizing.broker.memoryLimit", "-682Mi", "positive number of whole MiB"),
    ),
    "unknown key": (
        {"kafka": {"brokerCount": 3}},
        ("datapipe:kafka.brokerCount", "unknown key", "brokers"),
    ),
    "unknown section": ({"kafak": {"brokers": 3}}, ("datapipe:kafak", "unknown key", "kafka")),
    "table without a schema": (
        {"tables": ["public.users", "orders"]},
        ("datapipe:tables[1]", "orders", "public.orders"),
    ),
    "fewer brokers than replicas": (
        {"kafka": {"brokers": 2}},
        ("datapipe:kafka.replicationFactor", "3 is above kafka.brokers (2)"),
    ),
    "other brokers than the cluster has": (
        {"kafka": {"brokers": 5}},
        ("datapipe:kafka.brokers can't change from 3 to 5", "Set it to 3"),
    ),
    "bucket name that S3 refuses": (
        {"archive": {"bucket": "Datapipe_Ingestion"}},
        ("datapipe:archive.bucket", "Datapipe_Ingestion", "3 to 63"),
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_bad_input_is_refused_in_preview(
    project: Project, changed_stack_file: ChangedStackFile, fault: str
) -> None:
    changes, words = REFUSED[fault]
    before = [resource["urn"] for resource in project.resources()]

    run = project.pulumi("preview", "--config-file", changed_stack_file(changes), check=False)

    assert run.code != 0
    for word in words:
        assert word in run.output, run.output
    assert "Traceback" not in run.output
    assert [resource["urn"] for resource in project.resources()] == before
