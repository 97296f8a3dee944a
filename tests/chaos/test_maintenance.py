"""The faults of the archive's maintenance, against a cluster in memory."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

from chaos import node
from chaos.faults import maintenance as faults
from chaos.faults.maintenance import (
    KilledAfterExpiry,
    MaintenanceKilled,
    TwoMaintenances,
    access_key,
)
from chaos.pipeline import FaultError
from clients.archived_tables import IcebergTable
from clients.job_run import MAINTENANCE
from clients.stack import StackError
from workload.maintenance import (
    EAGER,
    changed_properties,
    complete_run,
    create_settings,
    delete_settings,
    maintenance_run,
)
from workload.maintenance import NAME as JOB

PROPERTIES = """\
tables=cdc.users
files.closedAfterMs=3600000
snapshots.maxCount = 500
snapshots.maxAgeMs=1
"""
GONE = ApiException(status=404)
CRON_JOB = {
    "spec": {
        "jobTemplate": {
            "metadata": {"labels": {"app.kubernetes.io/name": MAINTENANCE}},
            "spec": {
                "backoffLimit": 2,
                "template": {
                    "spec": {
                        "containers": [{"name": "maintenance"}],
                        "volumes": [
                            {"name": "config", "configMap": {"name": MAINTENANCE}},
                            {"name": "scratch", "emptyDir": {}},
                        ],
                    }
                },
            },
        }
    }
}


class FakeCluster:
    """Answers as the API server does; a Job ends as `outcomes` says, by its name."""

    namespace = "data-ingestion"

    def __init__(self) -> None:
        self.core = self.cluster = self
        self.api = client.ApiClient()
        self.outputs = SimpleNamespace(archive=None)
        self.jobs: dict[str, Any] = {}
        self.configs: dict[str, Any] = {
            MAINTENANCE: SimpleNamespace(
                data={"maintenance.properties": PROPERTIES, "start.sh": "x"},
                binary_data={"maintenance.jar": "UEs="},
            )
        }
        self.outcomes: dict[str, bool] = {}
        self.killed: list[str] = []
        self.logged: list[str] = []

    def log(self, message: str) -> None:
        self.logged.append(message)

    def get(self, path: str) -> Any:
        kind, name = path.split("/")[-2:]
        if kind == "cronjobs":
            assert name == MAINTENANCE
            return CRON_JOB
        ended = "Complete" if self.outcomes.get(name, name not in self.killed) else "Failed"
        return {"status": {"conditions": [{"type": ended, "status": "True"}]}}

    def post(self, _path: str, body: Any) -> None:
        self.jobs[body["metadata"]["name"]] = body

    def delete_namespaced_job(self, name: str, _namespace: str, **_: Any) -> None:
        if self.jobs.pop(name, None) is None:
            raise GONE

    def list_namespaced_pod(self, _namespace: str, label_selector: str) -> Any:
        name = label_selector.partition("=")[2]
        metadata = SimpleNamespace(name=f"{name}-x", creation_timestamp=0)
        pod = SimpleNamespace(metadata=metadata, status=SimpleNamespace(phase="Running"))
        return SimpleNamespace(items=[pod] if name in self.jobs else [])

    def read_namespaced_pod_log(self, name: str, _namespace: str, **_: Any) -> str:
        return f"log of {name}"

    def read_namespaced_config_map(self, name: str, _namespace: str) -> Any:
        return self.configs[name]

    def create_namespaced_config_map(self, _namespace: str, body: Any) -> None:
        self.configs[body["metadata"]["name"]] = SimpleNamespace(**body)

    def delete_namespaced_config_map(self, name: str, _namespace: str) -> None:
        if self.configs.pop(name, None) is None:
            raise GONE

    def read_namespaced_secret(self, name: str, _namespace: str) -> Any:
        assert name == MAINTENANCE
        return SimpleNamespace(data={"AWS_ACCESS_KEY_ID": "QUtJQQ=="})

    def pods(self, workload: str) -> list[Any]:
        return [SimpleNamespace(metadata=SimpleNamespace(name=f"{workload}-0"))]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    cluster = FakeCluster()

    def kill(_: object, workload: str, pod: str) -> None:
        cluster.killed.append(f"{workload}/{pod}")
        cluster.outcomes[pod.removesuffix("-x")] = False

    monkeypatch.setattr(node, "kill", kill)
    for api in ("BatchV1Api", "CoreV1Api"):
        monkeypatch.setattr(client, api, lambda _: cluster)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(faults, "tables", lambda _: [IcebergTable("public.users", snapshots=1)])
    return cluster


def test_a_run_is_a_job_of_the_cronjobs_template_that_is_not_repeated(cluster: Any) -> None:
    maintenance_run(cluster, 4).start()
    maintenance_run(cluster, 5).start(["erase"], config="other")
    usual, other = cluster.jobs[f"{JOB}-4"], cluster.jobs[f"{JOB}-5"]
    assert usual["metadata"]["labels"] == {"app.kubernetes.io/name": MAINTENANCE}
    assert usual["spec"]["backoffLimit"] == 0
    pods = [job["spec"]["template"]["spec"] for job in (usual, other)]
    assert [pod["volumes"][0]["configMap"]["name"] for pod in pods] == [MAINTENANCE, "other"]
    assert [pod["containers"] for pod in pods] == [
        [{"name": "maintenance"}],
        [{"name": "maintenance", "args": ["erase"]}],
    ]


def test_a_stack_without_maintenance_says_which_key_it_lacks(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> None:
        raise GONE

    monkeypatch.setattr(cluster, "get", missing)
    with pytest.raises(StackError, match=r"set archive\.maintenance\.kind to job"):
        maintenance_run(cluster, 0).start()


def test_a_run_that_fails_shows_its_log_and_leaves_nothing(cluster: Any) -> None:
    cluster.outcomes[f"{JOB}-0"] = False
    with pytest.raises(StackError, match=f"the maintenance failed:\nlog of {JOB}-0-x"):
        complete_run(cluster, 0)
    assert cluster.jobs == {}


def test_other_properties_replace_the_stacks_and_no_others() -> None:
    changed = changed_properties(PROPERTIES, EAGER)
    assert changed == (
        "tables=cdc.users\nfiles.closedAfterMs=-3600000\nsnapshots.maxCount=5\nsnapshots.maxAgeMs=0\n"
    )
    with pytest.raises(StackError, match=r"maintenance\.properties has no no\.such"):
        changed_properties(PROPERTIES, {"no.such": "1"})


def test_a_changed_config_keeps_program_and_scripts(cluster: Any) -> None:
    create_settings(cluster, EAGER)
    create_settings(cluster, EAGER)  # after an earlier run that was killed
    copy = cluster.configs[JOB]
    assert copy.binaryData == {"maintenance.jar": "UEs="}
    assert copy.data["start.sh"] == "x"
    assert "snapshots.maxCount=5" in copy.data["maintenance.properties"]
    assert cluster.configs[MAINTENANCE].data["maintenance.properties"] == PROPERTIES
    delete_settings(cluster)
    delete_settings(cluster)
    assert list(cluster.configs) == [MAINTENANCE]


def test_two_runs_of_which_none_succeeds_fail_the_fault(cluster: Any) -> None:
    fault = TwoMaintenances("two", "")
    fault.prepare(cluster)
    cluster.outcomes = {f"{JOB}-0": False, f"{JOB}-1": False}
    fault.inject(cluster)
    first, second, unmaintained = fault.check(cluster)
    assert first == f"both runs failed:\nlog of {JOB}-0-x"
    assert second == f"both runs failed:\nlog of {JOB}-1-x"
    assert unmaintained == "public.users was not maintained"
    fault.restore(cluster)
    assert (cluster.jobs, list(cluster.configs)) == ({}, [MAINTENANCE])


def test_one_of_two_runs_may_fail(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "tables", lambda _: [IcebergTable("public.new")])
    fault = TwoMaintenances("two", "")
    fault.prepare(cluster)
    cluster.outcomes = {f"{JOB}-0": False}
    fault.inject(cluster)
    assert fault.check(cluster) == []
    assert "two: 1 of 2 runs succeeded" in cluster.logged


def test_runs_that_ended_before_they_were_killed_prove_nothing(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = MaintenanceKilled("killed", "")
    fault.prepare(cluster)

    def no_process(*_: object) -> None:
        raise FaultError("no container of the pod is running")

    monkeypatch.setattr(node, "kill", no_process)
    with pytest.raises(FaultError, match="each of 3 runs had ended"):
        fault.inject(cluster)
    cluster.outcomes[f"{JOB}-1"] = False
    with pytest.raises(FaultError, match="no container of the pod is running"):
        fault.inject(cluster)


def test_a_run_is_killed_while_it_goes_on(cluster: Any) -> None:
    fault = MaintenanceKilled("killed", "")
    fault.prepare(cluster)
    fault.inject(cluster)
    assert cluster.killed == [f"{MAINTENANCE}/{JOB}-{number}-x" for number in range(3)]


def test_an_expiry_that_leaves_snapshots_is_not_what_was_to_be_shown(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = KilledAfterExpiry("after", "")
    fault.prepare(cluster)
    fault.inject(cluster)
    assert cluster.killed == ["kafka-connect/kafka-connect-0"]
    monkeypatch.setattr(faults, "tables", lambda _: [IcebergTable("public.users", snapshots=2)])
    with pytest.raises(FaultError, match=r"more than one snapshot: public\.users 2"):
        fault.inject(cluster)
    assert len(cluster.killed) == 1


def test_the_denied_identity_is_the_maintenances(cluster: Any) -> None:
    assert access_key(cluster) == "AKIA"
