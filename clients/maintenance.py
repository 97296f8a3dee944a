"""Runs the archive's maintenance now: a Job of the CronJob's template, as kubectl create job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from clients.cluster import Cluster
from clients.job_run import NOT_FOUND, end_of, unfinished_jobs
from clients.stack import StackError, StackOutputs
from polling import NotReadyError, poll_until

# kubectl marks so the Jobs that it makes from a CronJob.
MANUAL = {"cronjob.kubernetes.io/instantiate": "manual"}
POLL_SECONDS = 2.0
# In addition to the Job's own deadline, which Kubernetes enforces.
GRACE_SECONDS = 120

Log = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A finished run of the maintenance program."""

    job: str
    succeeded: bool
    reason: str
    """Kubernetes' reason and message of a failure; empty if it succeeded"""
    output: str
    """of its last pod"""


def run_now(outputs: StackOutputs, log: Log, arguments: Sequence[str] = ()) -> Run:
    """Run the program to its end, with the CronJob's arguments or these; return its output.

    It waits for a run that is on its way: the budget has room for one.
    Raises StackError if the stack has no such CronJob, or a run does not end.
    """
    cluster = Cluster(outputs)
    cron_job = _cron_job(outputs, cluster)
    path = f"/apis/batch/v1/namespaces/{outputs.namespace}/jobs"
    seconds = cron_job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] + GRACE_SECONDS
    _wait_for_others(cluster, cron_job["metadata"]["name"], seconds, log)
    name = cluster.post(path, job_of(cron_job, arguments))["metadata"]["name"]
    log(f"job {name} runs")

    def ended() -> dict[str, Any]:
        job: dict[str, Any] = cluster.get(f"{path}/{name}")
        if not end_of(job):
            raise NotReadyError(f"job {name} is running")
        return job

    job = poll_until(
        ended,
        timeout=seconds,
        interval=POLL_SECONDS,
        description=f"job {name}",
        error=StackError,
    )
    condition = end_of(job)
    succeeded = condition["type"] == "Complete"
    told = (condition.get("reason"), condition.get("message"))
    reason = "" if succeeded else ": ".join(filter(None, told))
    return Run(name, succeeded, reason, _output(cluster, name))


def job_of(cron_job: dict[str, Any], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Return a Job of the CronJob's template, with other arguments of its container if given.

    The CronJob owns it, so its limits on the history of runs count it.
    """
    name, template = cron_job["metadata"]["name"], cron_job["spec"]["jobTemplate"]
    spec: dict[str, Any] = template["spec"]
    if arguments:
        pod = spec["template"]["spec"]
        [container] = pod["containers"]
        changed = {**pod, "containers": [{**container, "args": list(arguments)}]}
        spec = {**spec, "template": {**spec["template"], "spec": changed}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": f"{name}-manual-",
            "labels": template["metadata"]["labels"],
            "annotations": MANUAL,
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "CronJob",
                    "name": name,
                    "uid": cron_job["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": spec,
    }


def _cron_job(outputs: StackOutputs, cluster: Cluster) -> dict[str, Any]:
    maintenance = outputs.archive.maintenance
    if maintenance.cron_job is None:
        raise StackError(
            "the stack has no job that maintains its archive: archive.maintenance.kind is"
            f" {maintenance.kind}, and archive.sink is {outputs.archive.sink}"
        )
    path = f"/apis/batch/v1/namespaces/{outputs.namespace}/cronjobs/{maintenance.cron_job}"
    try:
        found: dict[str, Any] = cluster.get(path)
    except ApiException as error:
        if error.status != NOT_FOUND:
            raise
        raise StackError(
            f"the CronJob {maintenance.cron_job} does not exist; run make up"
        ) from error
    return found


def _wait_for_others(cluster: Cluster, name: str, seconds: float, log: Log) -> None:
    waiting = False

    def nothing_runs() -> bool:
        nonlocal waiting
        running = unfinished_jobs(cluster, name)
        if running and not waiting:
            log(f"waiting for job {', '.join(running)}, which is running")
            waiting = True
        if running:
            raise NotReadyError(f"{', '.join(running)} is running")
        return True

    poll_until(
        nothing_runs,
        timeout=seconds,
        interval=POLL_SECONDS,
        description="the end of another run",
        error=StackError,
    )


def _output(cluster: Cluster, job: str) -> str:
    """Return the log of a Job's last pod; empty if it never started."""
    pods = f"/api/v1/namespaces/{cluster.namespace}/pods"
    found = cluster.get(pods, labelSelector=f"job-name={job}")["items"]
    started = [pod for pod in found if pod["status"].get("containerStatuses")]
    if not started:
        return ""
    last = max(started, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    core: Any = client.CoreV1Api(cluster.api)
    return str(core.read_namespaced_pod_log(last["metadata"]["name"], cluster.namespace))
