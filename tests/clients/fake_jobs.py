"""An API server with a CronJob and Jobs, and the controllers of both."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from kubernetes.client import ApiException

NAME = "archive-maintenance"
NAMESPACE = "/apis/batch/v1/namespaces/data-ingestion"
LABELS = {"app.kubernetes.io/name": NAME}
COMPLETE = {"type": "Complete", "status": "True"}
FAILED = {
    "type": "Failed",
    "status": "True",
    "reason": "DeadlineExceeded",
    "message": "Job was active longer than specified deadline",
}
# Kubernetes sets it before the pods have ended.
ENDING = {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}


def cron_job() -> dict[str, Any]:
    """Return the CronJob that maintains an archive."""
    pod = {
        "restartPolicy": "Never",
        "containers": [{"name": "maintenance", "args": ["maintain"]}],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }
    return {
        "metadata": {"name": NAME, "uid": "u-1", "resourceVersion": "1"},
        "spec": {
            "jobTemplate": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "activeDeadlineSeconds": 3000,
                    "backoffLimit": 2,
                    "template": {"spec": pod},
                },
            }
        },
        "status": {},
    }


class FakeJobs:
    """The cluster as JobRun sees it. A Job ends after a first look at it."""

    namespace = "data-ingestion"
    api = None

    def __init__(self, *ends: dict[str, Any]) -> None:
        """`ends` are the conditions that a Job has one after the other; it keeps the last."""
        self.cron_job: dict[str, Any] | None = cron_job()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.posted: list[dict[str, Any]] = []
        self.patched: list[dict[str, Any]] = []
        self.before_patch: Callable[[], None] = lambda: None
        """what other programs do before the next patch"""
        self._ends = list(ends) or [COMPLETE]

    def get(self, path: str, **query: str) -> Any:
        if path == f"{NAMESPACE}/cronjobs/{NAME}":
            if self.cron_job is None:
                raise ApiException(status=404)
            return self.cron_job
        if path == f"{NAMESPACE}/jobs":
            assert query == {"labelSelector": f"app.kubernetes.io/name={NAME}"}
            return {"items": list(self.jobs.values())}
        job = self.jobs[path.removeprefix(f"{NAMESPACE}/jobs/")]
        answer = {**job, "status": dict(job["status"])}
        end = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        job["status"] = {"conditions": [end]}
        return answer

    def post(self, path: str, body: dict[str, Any]) -> Any:
        assert path == f"{NAMESPACE}/jobs"
        self.posted.append(body)
        made = {**body, "metadata": {**body["metadata"], "uid": f"u-{body['metadata']['name']}"}}
        self.jobs[body["metadata"]["name"]] = {**made, "status": {"active": 1}}
        return made

    def patch(self, path: str, changes: dict[str, Any]) -> Any:
        assert path == f"{NAMESPACE}/cronjobs/{NAME}/status"
        assert self.cron_job is not None
        before, self.before_patch = self.before_patch, lambda: None
        before()
        metadata = self.cron_job["metadata"]
        if changes["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise ApiException(status=409)
        self.patched.append(changes)
        self.cron_job["status"] = changes["status"]

    def schedule(self, name: str) -> None:
        """Start a run by the schedule."""
        assert self.cron_job is not None
        self.jobs[name] = {"metadata": {"name": name}, "status": {"active": 1}}
        self.cron_job["status"] = {"active": [{"name": name}]}
        self.touch()

    def finish(self, name: str) -> None:
        """Have a run by the schedule end."""
        assert self.cron_job is not None
        self.jobs[name]["status"] = {"conditions": [COMPLETE]}
        self.cron_job["status"] = {}
        self.touch()

    def touch(self) -> None:
        """Have the CronJob's controller write its status."""
        assert self.cron_job is not None
        version = int(self.cron_job["metadata"]["resourceVersion"]) + 1
        self.cron_job["metadata"] = {**self.cron_job["metadata"], "resourceVersion": str(version)}

    # Of CoreV1Api and BatchV1Api.

    def list_namespaced_pod(self, _namespace: str, label_selector: str) -> Any:
        job = label_selector.removeprefix("job-name=")
        began = datetime(2026, 11, 27, 10, tzinfo=UTC)
        pods = [
            SimpleNamespace(
                metadata=SimpleNamespace(
                    name=f"{job}-{number}", creation_timestamp=began + timedelta(minutes=number)
                )
            )
            for number in (1, 2)
        ]
        return SimpleNamespace(items=pods if job in self.jobs else [])

    def read_namespaced_pod_log(self, name: str, _namespace: str, **_: Any) -> str:
        return f"log of {name}\n"

    def delete_namespaced_job(self, name: str, _namespace: str, **_: Any) -> None:
        if self.jobs.pop(name, None) is None:
            raise ApiException(status=404)
