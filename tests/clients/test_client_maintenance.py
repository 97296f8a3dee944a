"""`make maintain` runs the CronJob's template to its end, and reports what it printed."""

from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

from clients import maintenance
from clients.maintenance import MANUAL, job_of, run_now
from clients.stack import MaintenanceOutput, StackError, StackOutputs, parse_outputs
from tests.clients.stack_outputs import OUTPUTS

LABELS = {"app.kubernetes.io/name": "archive-maintenance"}
CRON_JOB: dict[str, Any] = {
    "metadata": {"name": "archive-maintenance", "uid": "u-1"},
    "spec": {
        "schedule": "17 * * * *",
        "jobTemplate": {
            "metadata": {"labels": LABELS},
            "spec": {
                "activeDeadlineSeconds": 3000,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "maintenance", "args": ["maintain"]}],
                    }
                },
            },
        },
    },
}
COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
FAILED = {
    "status": {
        "conditions": [
            # Kubernetes sets it before the pods have ended.
            {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"},
            {
                "type": "Failed",
                "status": "True",
                "reason": "DeadlineExceeded",
                "message": "Job was active longer than specified deadline",
            },
        ]
    }
}
JOBS = "/apis/batch/v1/namespaces/data-ingestion/jobs"


class FakeCluster:
    """An API server with a CronJob, other Jobs and one that ends at the second look."""

    namespace = "data-ingestion"
    api = None

    def __init__(self, end: dict[str, Any], others: list[dict[str, Any]] | None = None) -> None:
        self.end = end
        self.others = others or []
        self.posted: list[dict[str, Any]] = []
        self.looks = 0

    def get(self, path: str, **query: str) -> Any:
        if path.endswith("/cronjobs/archive-maintenance"):
            return CRON_JOB
        if path == JOBS:
            items, self.others = list(self.others), []
            return {"items": items}
        if path.endswith("/pods"):
            assert query["labelSelector"] == "job-name=made"
            return {"items": [pod("first", "10:00"), pod("second", "10:01"), unscheduled()]}
        self.looks += 1
        return self.end if self.looks > 1 else {"status": {"active": 1}}

    def post(self, path: str, body: dict[str, Any]) -> Any:
        assert path == JOBS
        assert not self.others, "another run is on its way"
        self.posted.append(body)
        return {"metadata": {"name": "made"}}


class FakeLogs:
    """The part of the API with pods' logs."""

    def __init__(self, _api: None) -> None:
        pass

    def read_namespaced_pod_log(self, name: str, namespace: str) -> str:
        assert namespace == FakeCluster.namespace
        return f"log of {name}\n"


def pod(name: str, created: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "status": {"containerStatuses": [{}]},
    }


def unscheduled() -> dict[str, Any]:
    return {"metadata": {"name": "third", "creationTimestamp": "10:02"}, "status": {}}


def outputs(**maintained: Any) -> StackOutputs:
    made = parse_outputs("sandbox", OUTPUTS)
    given = MaintenanceOutput(**{"kind": "job", "cron_job": "archive-maintenance", **maintained})
    archive = made.archive.model_copy(update={"maintenance": given})
    return made.model_copy(update={"archive": archive})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the cluster that the command finds."""

    def make(end: dict[str, Any], **more: Any) -> FakeCluster:
        made = FakeCluster(end, **more)
        monkeypatch.setattr(maintenance, "Cluster", lambda _: made)
        monkeypatch.setattr(maintenance, "POLL_SECONDS", 0.01)
        monkeypatch.setattr(client, "CoreV1Api", FakeLogs)
        return made

    return make


def test_it_runs_the_cron_jobs_template_and_returns_the_last_pods_log(cluster: Any) -> None:
    api = cluster(COMPLETE)
    run = run_now(outputs(), lambda _: None)
    assert (run.succeeded, run.reason, run.output) == (True, "", "log of second\n")
    [job] = api.posted
    assert job["spec"] == CRON_JOB["spec"]["jobTemplate"]["spec"]


def test_a_failure_has_kubernetes_reason(cluster: Any) -> None:
    cluster(FAILED)
    run = run_now(outputs(), lambda _: None)
    assert not run.succeeded
    assert run.reason.startswith("DeadlineExceeded: Job was active longer")


def test_it_waits_for_a_run_that_is_on_its_way(cluster: Any) -> None:
    told: list[str] = []
    running = {"metadata": {"name": "archive-maintenance-29"}, "status": {"active": 1}}
    ended = {"metadata": {"name": "archive-maintenance-28"}, **COMPLETE}
    api = cluster(COMPLETE, others=[running, ended])
    assert run_now(outputs(), told.append).succeeded
    assert told[0] == "waiting for job archive-maintenance-29, which is running"
    assert len(api.posted) == 1


def test_other_arguments_replace_the_containers_and_leave_the_template_alone() -> None:
    job = job_of(CRON_JOB, ["erase", "--table", "cdc.users"])
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "maintenance", "args": ["erase", "--table", "cdc.users"]}
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    template = CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert template["containers"][0]["args"] == ["maintain"]


def test_the_cron_job_owns_it_so_that_its_history_is_limited() -> None:
    metadata = job_of(CRON_JOB)["metadata"]
    [owner] = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("CronJob", "u-1", True)
    assert metadata["labels"] == LABELS
    assert metadata["annotations"] == MANUAL


@pytest.mark.parametrize("kind", ["glue", "none"])
def test_a_stack_without_the_job_says_why(cluster: Any, kind: str) -> None:
    cluster(COMPLETE)
    with pytest.raises(StackError, match=f"archive.maintenance.kind is {kind}"):
        run_now(outputs(kind=kind, cron_job=None), lambda _: None)


def test_a_job_that_was_deleted_by_hand_is_named(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = cluster(COMPLETE)

    def missing(path: str, **_query: str) -> Any:
        raise ApiException(status=404)

    monkeypatch.setattr(api, "get", missing)
    with pytest.raises(StackError, match="archive-maintenance does not exist; run make up"):
        run_now(outputs(), lambda _: None)
