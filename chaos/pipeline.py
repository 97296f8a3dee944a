"""The deployed pipeline as the faults use it: its parts, and what is done to them."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from kubernetes import client
from kubernetes.client import ApiException

from clients import database
from clients.archive import Archive, open_archive
from clients.cluster import Cluster
from clients.database import Row
from clients.stack import PROJECT, StackError, StackOutputs, read_managed
from polling import poll_until
from workload.progress import Log

CONNECT = "kafka-connect"
KAFKA = "kafka"
POSTGRESQL = "postgresql"
NAME_LABEL = "app.kubernetes.io/name"
POLL_SECONDS = 1.0
ANSWER_SECONDS = 120.0
NOT_FOUND = 404


class FaultError(RuntimeError):
    """A fault could not be injected or healed; the message says why."""


class Pipeline:
    """A stack, reached as its user reaches it."""

    def __init__(self, stack: str, log: Log) -> None:
        """Connect to the stack. Raises StackError if it cannot be used."""
        self.stack = stack
        self.log = log
        self.outputs: StackOutputs = read_managed(stack)
        self.cluster = Cluster(self.outputs)
        self.archive: Archive = open_archive(self.outputs.archive)
        self.core: Any = client.CoreV1Api(self.cluster.api)
        self.apps: Any = client.AppsV1Api(self.cluster.api)
        self.networking: Any = client.NetworkingV1Api(self.cluster.api)

    @property
    def namespace(self) -> str:
        return self.outputs.namespace

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Row]]:
        """Connect as the database's superuser. Raises StackError if it does not answer."""
        with database.connect(self.outputs) as connection:
            yield connection

    @contextmanager
    def answering_database(self) -> Iterator[psycopg.Connection[Row]]:
        """Connect as database() does, once it answers.

        Under load its pod may not be ready for moments. Raises FaultError if it stays so.
        """
        with ExitStack() as opened:
            yield poll_until(
                lambda: opened.enter_context(self.database()),
                timeout=ANSWER_SECONDS,
                interval=POLL_SECONDS,
                description="PostgreSQL to answer",
                retry_on=(StackError,),
                error=FaultError,
            )

    def wait_for_database(self) -> None:
        """Wait until PostgreSQL answers: a pod that is ready may not be reached yet.

        Raises FaultError if it stays so.
        """
        with self.answering_database():
            return

    def pods(self, workload: str) -> list[Any]:
        """Return the pods of a workload that are not being deleted, in the order of their names."""
        found = self.core.list_namespaced_pod(
            self.namespace, label_selector=f"{NAME_LABEL}={workload}"
        ).items
        present = [pod for pod in found if pod.metadata.deletion_timestamp is None]
        return sorted(present, key=lambda pod: str(pod.metadata.name))

    def delete_pod(self, name: str) -> None:
        """Delete a pod as kubectl does, and wait until it is gone."""
        uid = self.core.read_namespaced_pod(name, self.namespace).metadata.uid
        self.core.delete_namespaced_pod(name, self.namespace)
        wait_until(lambda: self._pod_uid(name) != uid, 120, f"pod {name} to stop")

    def _pod_uid(self, name: str) -> str | None:
        try:
            return str(self.core.read_namespaced_pod(name, self.namespace).metadata.uid)
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def wait_for_pod(self, name: str, seconds: float = 180) -> None:
        """Wait until a pod is ready. Raises FaultError when the time is over."""
        wait_until(lambda: self._is_ready(name), seconds, f"pod {name} to be ready")

    def wait_for_workload(self, workload: str, count: int, seconds: float = 180) -> None:
        """Wait until so many pods of a workload are ready. Raises FaultError otherwise."""

        def all_ready() -> bool:
            pods = self.pods(workload)
            return len(pods) >= count and all(_has_condition_ready(pod) for pod in pods)

        wait_until(all_ready, seconds, f"{count} pods of {workload} to be ready")

    def _is_ready(self, name: str) -> bool:
        try:
            return _has_condition_ready(self.core.read_namespaced_pod(name, self.namespace))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return False
            raise

    def scale_connect(self, replicas: int) -> int:
        """Set the number of Connect workers; return what it was before."""
        before = self.apps.read_namespaced_deployment(CONNECT, self.namespace).spec.replicas
        body = {"spec": {"replicas": replicas}}
        self.apps.patch_namespaced_deployment(CONNECT, self.namespace, body)
        return int(before)

    def run(self, *command: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder, as a user would.

        Raises FaultError with the end of its output if it fails or takes longer.
        """
        return run_command(*command, seconds=seconds)


def run_command(
    *command: str, seconds: float, check: bool = True, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder, with variables in addition to this process's own.

    Raises FaultError with the end of its output if it takes longer or, with `check`, if it fails.
    """
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise FaultError(f"{' '.join(command)} timed out after {seconds:.0f} s") from None
    if check and done.returncode != 0:
        output = (done.stdout + done.stderr).strip()[-2000:]
        raise FaultError(f"{' '.join(command)} failed:\n{output}")
    return done


def wait_until(condition: Callable[[], bool], seconds: float, description: str) -> None:
    """Wait until a condition holds. Raises FaultError when the time is over."""
    poll_until(
        condition,
        timeout=seconds,
        interval=POLL_SECONDS,
        description=description,
        error=FaultError,
    )


def _has_condition_ready(pod: Any) -> bool:
    conditions = pod.status.conditions or []
    return any(each.type == "Ready" and each.status == "True" for each in conditions)
