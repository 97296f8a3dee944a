"""`make maintain` runs the CronJob's template to its end, and reports what it printed."""

import time
from typing import Any

import pytest
from kubernetes import client

from clients import maintenance
from clients.maintenance import run_now
from clients.stack import MaintenanceOutput, StackError, StackOutputs, parse_outputs
from tests.clients.fake_jobs import COMPLETE, ENDING, FAILED, FakeJobs
from tests.clients.stack_outputs import OUTPUTS


def outputs(**maintained: Any) -> StackOutputs:
    made = parse_outputs("sandbox", OUTPUTS)
    given = MaintenanceOutput(**{"kind": "job", "cron_job": "archive-maintenance", **maintained})
    archive = made.archive.model_copy(update={"maintenance": given})
    return made.model_copy(update={"archive": archive})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the cluster that the command finds."""

    def make(*ends: dict[str, Any]) -> FakeJobs:
        made = FakeJobs(*ends)
        monkeypatch.setattr(maintenance, "Cluster", lambda _: made)
        for api in ("BatchV1Api", "CoreV1Api"):
            monkeypatch.setattr(client, api, lambda _: made)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        return made

    return make


def test_it_runs_the_cron_jobs_template_and_returns_the_last_pods_log(cluster: Any) -> None:
    api = cluster(COMPLETE)
    run = run_now(outputs(), lambda _: None)
    [job] = api.posted
    assert job["spec"] == api.cron_job["spec"]["jobTemplate"]["spec"]
    assert (run.succeeded, run.reason) == (True, "")
    assert run.output == f"log of {job['metadata']['name']}-2\n"


def test_a_failure_has_kubernetes_reason(cluster: Any) -> None:
    cluster(ENDING, FAILED)
    run = run_now(outputs(), lambda _: None)
    assert not run.succeeded
    assert run.reason.startswith("DeadlineExceeded: Job was active longer")


def test_each_run_is_a_job_of_its_own(cluster: Any) -> None:
    api = cluster(COMPLETE)
    first = run_now(outputs(), lambda _: None)
    api.finish(first.job)
    second = run_now(outputs(), lambda _: None)
    assert first.job != second.job


@pytest.mark.parametrize("kind", ["glue", "none"])
def test_a_stack_without_the_job_says_why(cluster: Any, kind: str) -> None:
    cluster(COMPLETE)
    with pytest.raises(StackError, match=f"archive.maintenance.kind is {kind}"):
        run_now(outputs(kind=kind, cron_job=None), lambda _: None)


def test_a_job_that_was_deleted_by_hand_is_named(cluster: Any) -> None:
    cluster(COMPLETE).cron_job = None
    with pytest.raises(StackError, match=r"archive-maintenance does not exist.*run make up"):
        run_now(outputs(), lambda _: None)
