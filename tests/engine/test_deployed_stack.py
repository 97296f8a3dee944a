"""What the engine says of the deployed stack: nothing to do, and no more than was asked for."""

import time

import pytest
import requests

from kafka_connect.cluster_access import ClusterAccess
from tests.engine.pulumi_project import ChangedStackFile, Project, policies

pytestmark = pytest.mark.pipeline

CONNECTORS = ("data-ingestion", "kafka-connect", 8083)


def test_preview_of_the_deployed_stack_shows_no_change(project: Project) -> None:
    assert project.pulumi("preview", "--json", "--expect-no-changes").steps() == {}


def test_second_up_changes_nothing_within_ninety_seconds(project: Project) -> None:
    started = time.monotonic()
    run = project.pulumi("up", "--yes", "--expect-no-changes", *policies("sandbox"))
    assert "unchanged" in run.output
    assert time.monotonic() - started < 90


def test_refresh_finds_no_drift(project: Project) -> None:
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_one_broker_setting_changes_the_brokers_alone(
    project: Project, changed_stack_file: ChangedStackFile
) -> None:
    stack_file = changed_stack_file({"kafka": {"networkThreads": 9}})
    steps = project.pulumi("preview", "--json", "--config-file", stack_file).steps()
    assert steps == {
        "kubernetes:core/v1:ConfigMap kafka": "update",
        "kubernetes:apps/v1:StatefulSet kafka": "update",
    }


def test_connector_deleted_by_hand_is_found_by_refresh_and_made_again_by_up(
    project: Project,
) -> None:
    access = ClusterAccess()
    url = access.service_proxy_url(*CONNECTORS) + "/connectors/postgres-cdc-connector"
    with access.session() as session:
        assert session.delete(url, timeout=30).status_code == requests.codes.no_content

        refresh = project.pulumi("refresh", "--yes", "--skip-preview", "--diff")
        assert "postgres-cdc-connector" in refresh.output
        assert "1 deleted" in refresh.output

        repair = project.pulumi("up", "--yes", "--skip-preview")
        assert "1 created" in repair.output
        status = session.get(f"{url}/status", timeout=30).json()
    assert status["connector"]["state"] == "RUNNING"
    assert [task["state"] for task in status["tasks"]] == ["RUNNING"]
