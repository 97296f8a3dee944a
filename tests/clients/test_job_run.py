"""A run that is started by hand: its Job, and what else may run meanwhile."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

from clients.job_run import MANUAL, JobRun, job_of
from clients.stack import StackError
from tests.clients.fake_jobs import LABELS, NAME, FakeJobs, cron_job

OWN = "archive-maintenance-manual-1"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> FakeJobs:
    made = FakeJobs()
    for api in ("BatchV1Api", "CoreV1Api"):
        monkeypatch.setattr(client, api, lambda _: made)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return made


def start_alone(jobs: Any, log: Callable[[str], None] = print) -> JobRun:
    run = JobRun(jobs, NAME, OWN)
    run.start_alone(log)
    return run


class TestJob:
    def test_other_arguments_and_files_leave_the_template_alone(self) -> None:
        template = cron_job()
        job = job_of(template, "x", arguments=["erase"], config="other", retries=0)
        pod = job["spec"]["template"]["spec"]
        assert pod["containers"] == [{"name": "maintenance", "args": ["erase"]}]
        assert pod["volumes"][0]["configMap"]["name"] == "other"
        assert job["spec"]["backoffLimit"] == 0
        assert template == cron_job()

    def test_without_others_it_is_the_template(self) -> None:
        job = job_of(cron_job(), "x")
        assert job["spec"] == cron_job()["spec"]["jobTemplate"]["spec"]
        assert job["metadata"] == {"name": "x", "labels": LABELS, "annotations": MANUAL}


class TestAlone:
    def test_the_cron_job_owns_it_and_counts_it_as_a_run(self, jobs: FakeJobs) -> None:
        start_alone(jobs)
        [posted], [patched] = jobs.posted, jobs.patched
        [owner] = posted["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("CronJob", "u-1", True)
        [reference] = patched["status"]["active"]
        assert (reference["kind"], reference["name"], reference["uid"]) == ("Job", OWN, f"u-{OWN}")

    @pytest.mark.parametrize("by_hand", [False, True])
    def test_it_waits_for_a_run_that_is_on_its_way(
        self, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch, by_hand: bool
    ) -> None:
        jobs.schedule("other")
        if by_hand:
            jobs.cron_job = cron_job()
        monkeypatch.setattr(time, "sleep", lambda _: jobs.finish("other"))
        told: list[str] = []
        start_alone(jobs, told.append)
        assert told == ["waiting for job other, which is running"]
        assert len(jobs.posted) == 1

    def test_a_scheduled_run_that_begins_at_the_same_moment_goes_first(
        self, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs.before_patch = lambda: jobs.schedule("scheduled")

        def finish(_: float) -> None:
            assert set(jobs.jobs) == {"scheduled"}, "two runs are on their way"
            jobs.finish("scheduled")

        monkeypatch.setattr(time, "sleep", finish)
        start_alone(jobs)
        assert set(jobs.jobs) == {"scheduled", OWN}
        assert len(jobs.posted) == 2
        [patched] = jobs.patched
        assert patched["status"]["active"][0]["name"] == OWN

    def test_another_change_of_the_status_is_no_obstacle(self, jobs: FakeJobs) -> None:
        jobs.before_patch = jobs.touch
        start_alone(jobs)
        assert len(jobs.posted) == len(jobs.patched) == 1

    def test_who_may_not_patch_the_status_is_told(
        self, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: Any) -> None:
            raise ApiException(status=403)

        monkeypatch.setattr(jobs, "patch", refused)
        told: list[str] = []
        start_alone(jobs, told.append)
        assert told == [
            "the schedule can start a second run meanwhile: you have no right to patch"
            " cronjobs/status"
        ]

    def test_a_cron_job_that_was_deleted_is_named(self, jobs: FakeJobs) -> None:
        jobs.cron_job = None
        with pytest.raises(StackError, match="archive-maintenance does not exist"):
            start_alone(jobs)


def test_its_log_is_that_of_the_last_pod(jobs: FakeJobs) -> None:
    run = start_alone(jobs)
    assert run.log() == f"log of {OWN}-2\n"


def test_the_log_of_a_container_that_does_not_run_yet_is_empty(
    jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> str:
        raise ApiException(status=400)

    monkeypatch.setattr(jobs, "read_namespaced_pod_log", refused)
    assert not start_alone(jobs).log()
