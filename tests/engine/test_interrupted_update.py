"""An update may be killed at any moment and run again, and two can't get in each other's way."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kubernetes import client

from kafka_connect.cluster_access import ClusterAccess
from polling.lines import LineReader
from sandbox import backend, paths
from tests.engine.pulumi_project import Project
from tests.messages import Messages

pytestmark = pytest.mark.cluster

NAMESPACE = "engine-test"
SECONDS = 300


@contextmanager
def begun(project: Project, word: str) -> Iterator[tuple[subprocess.Popen[str], LineReader]]:
    """Yield a `pulumi up` in the background that has printed something; kill it at the end."""
    update = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--stack", project.stack, "--non-interactive"],
        cwd=project.folder,
        env=dict(project.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert update.stdout is not None
        lines, said = LineReader(update.stdout), ""
        while word not in said:
            line = lines.next_line(SECONDS)
            assert line is not None, said
            said += f"{line}\n"
        yield update, lines
    finally:
        if update.poll() is None:
            kill(update)


def kill(update: subprocess.Popen[str]) -> None:
    """SIGKILL for pulumi, its language host and its plugins: nothing of them can clean up."""
    os.killpg(update.pid, signal.SIGKILL)
    update.wait(SECONDS)


def names() -> list[str]:
    listed = client.CoreV1Api(api()).list_namespace().to_dict()["items"]
    return [each["metadata"]["name"] for each in listed]


def api() -> client.ApiClient:
    return ClusterAccess().api_client()


def test_an_update_that_was_killed_can_be_run_again(
    layers: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(layers, "created") as (update, _):
        kill(update)
    refused = layers.pulumi("up", "--yes", "--skip-preview", check=False)
    assert refused.code != 0
    assert "locked" in refused.output

    # what `make up` does before it updates: scripts/up.sh
    monkeypatch.setattr(paths, "PULUMI_BACKEND", tmp_path)
    messages = Messages()
    backend.release_stale_locks(messages)
    assert len(messages) == 1
    layers.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates")

    layers.pulumi("up", "--yes", "--skip-preview")
    layers.pulumi("up", "--yes", "--expect-no-changes")
    assert names().count(NAMESPACE) == 1


def test_the_second_of_two_updates_is_refused_and_harms_nothing(layers: Project) -> None:
    with begun(layers, "Updating") as (first, lines):
        second = layers.pulumi("up", "--yes", "--skip-preview", check=False)
        assert second.code != 0
        assert "the stack is currently locked" in second.output
        words = lines.rest(SECONDS)
        assert first.wait(SECONDS) == 0, words
    layers.pulumi("up", "--yes", "--expect-no-changes")
