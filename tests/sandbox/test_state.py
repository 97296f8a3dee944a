"""One sandbox per machine: whose it is, in what state, and what is removed with it."""

import socket
from pathlib import Path

import pytest

from sandbox import paths, state, supervisor
from sandbox.node import cgroups, configuration, teardown
from sandbox.state import Owner, Situation


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a sandbox: every folder that is checked is in the test's own."""
    monkeypatch.setattr(paths, "STATE", tmp_path / "state")
    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    monkeypatch.setattr(state, "_OWNER_FILE", tmp_path / "state/owner.json")
    monkeypatch.setattr(state, "_BRIDGE", tmp_path / "bridge")
    monkeypatch.setattr(cgroups, "mounted", lambda: {tmp_path / "cgroup": {"cpu"}})
    monkeypatch.setattr(supervisor, "is_running", lambda: False)
    return tmp_path


def _other() -> Owner:
    return Owner("/home/other/clone", "datapipe-sandbox-1", "2026-01-01T00:00:00+00:00")


def test_an_untouched_machine_has_no_sandbox(machine: Path) -> None:
    assert state.situation() is Situation.ABSENT


@pytest.mark.parametrize("remains", ["state", "run", "bridge", "cgroup/datapipe-sandbox"])
def test_any_remains_of_a_killed_sandbox_are_noticed(machine: Path, remains: str) -> None:
    (machine / remains).mkdir(parents=True)
    assert state.situation() is Situation.LEFTOVERS


def test_a_running_sandbox_is_ours_or_another_clones(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda: True)
    state.record(Owner.new())
    assert state.situation() is Situation.RUNNING
    state.record(_other())
    assert state.situation() is Situation.FOREIGN


def test_a_dead_sandbox_of_another_clone_is_leftovers(machine: Path) -> None:
    state.record(_other())
    assert state.situation() is Situation.LEFTOVERS


def test_a_damaged_record_counts_as_leftovers(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "is_running", lambda: True)
    (machine / "state").mkdir()
    (machine / "state/owner.json").write_text('{"clone": "/x"')
    assert state.situation() is Situation.LEFTOVERS


def test_the_refusal_says_whose_it_is_and_how_to_stop_it() -> None:
    told = str(state.refusal(_other()))
    assert "/home/other/clone" in told
    assert "make down" in told
    assert "down --force" in told


def test_mounts_are_undone_from_the_innermost() -> None:
    mountinfo = (
        "25 1 253:0 / / rw - ext4 /dev/vda rw\n"
        "60 25 0:40 / /var/lib/s/pods/a rw - tmpfs tmpfs rw\n"
        "61 60 0:41 / /var/lib/s/pods/a/deeper\\040one rw - tmpfs tmpfs rw\n"
        "62 25 0:42 / /var/lib/second rw - tmpfs tmpfs rw\n"
    )
    assert teardown.mounts_below(mountinfo, (Path("/var/lib/s"),)) == [
        Path("/var/lib/s/pods/a/deeper one"),
        Path("/var/lib/s/pods/a"),
    ]


def test_shared_folders_lose_only_what_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets, results, logs = tmp_path / "s", tmp_path / "results", tmp_path / "logs"
    for folder in (sockets, results, logs):
        folder.mkdir()
    monkeypatch.setattr(teardown, "_SHIM_SOCKETS", sockets)
    monkeypatch.setattr(teardown, "_CNI_RESULTS", results)
    monkeypatch.setattr(teardown, "_CONTAINER_LOGS", logs)
    monkeypatch.setattr(teardown, "_SHARED_FOLDERS", (tmp_path,))
    monkeypatch.setattr(teardown, "_FOLDERS_BEFORE", tmp_path / "none.json")
    (sockets / "dead").touch()
    alive = socket.socket(socket.AF_UNIX)
    alive.bind(str(sockets / "alive"))
    (results / f"{configuration.NETWORK_NAME}-eth0-1").touch()
    (results / "dockers-eth0-1").touch()
    (logs / "ours.log").symlink_to(configuration.POD_LOGS / "a.log")
    (logs / "theirs.log").symlink_to("/var/log/pods/b.log")
    teardown._clean_shared_folders()
    alive.close()
    left = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.glob("*/*"))
    assert left == ["logs/theirs.log", "results/dockers-eth0-1", "s/alive"]
