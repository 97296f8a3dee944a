"""A stack locked by a killed pulumi is released, one locked by a living pulumi is not."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import backend, paths
from tests.messages import Messages


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack's locks in an empty backend."""
    monkeypatch.setattr(paths, "PULUMI_BACKEND", tmp_path)
    folder = tmp_path / ".pulumi/locks/organization/datapipe/sandbox"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def living_pulumi(tmp_path: Path) -> Iterator[int]:
    """A process by the name of pulumi."""
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    wait_for_name(process.pid, "pulumi")
    yield process.pid
    process.kill()
    process.wait()


def wait_for_name(pid: int, name: str) -> None:
    """Popen returns when exec has closed its pipe, just before the kernel renames the process."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        assert time.monotonic() < deadline, f"process {pid} never became {name}"
        time.sleep(0.01)


def dead_process() -> int:
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    return process.pid


def lock(folder: Path, pid: int) -> Path:
    file = folder / f"{pid}.json"
    file.write_text(json.dumps({"pid": pid, "username": "root", "hostname": "here"}))
    return file


def test_the_lock_of_a_dead_process_is_released_and_said(locks: Path) -> None:
    stale, messages = lock(locks, dead_process()), Messages()
    backend.release_stale_locks(messages)
    assert not stale.exists()
    assert len(messages) == 1
    assert "lock of sandbox" in messages[0]


def test_the_lock_of_a_running_pulumi_is_kept(locks: Path, living_pulumi: int) -> None:
    held = lock(locks, living_pulumi)
    backend.release_stale_locks(lambda _: None)
    assert held.exists()


def test_a_number_that_another_program_has_now_holds_no_lock(locks: Path) -> None:
    init = lock(locks, 1)
    backend.release_stale_locks(lambda _: None)
    assert not init.exists()


def test_a_backend_without_locks_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PULUMI_BACKEND", tmp_path / "none")
    messages = Messages()
    backend.release_stale_locks(messages)
    assert messages == []
