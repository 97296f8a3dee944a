"""The worker is killed once, at a share of the rows, and only where its processes are here."""

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import worker_killer
from bench.containers import Container
from bench.worker_killer import WorkerKiller, add_kill_at
from clients.cluster import Cluster
from clients.stack import StackError
from tests.bench.test_containers import OnePod

ROWS = 1000


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


def container(folder: Path, name: str, *processes: "subprocess.Popen[bytes]") -> Container:
    """Return a container of a worker's pod with these processes."""
    folder.mkdir()
    (folder / "cgroup.procs").write_text("".join(f"{each.pid}\n" for each in processes))
    return Container("kafka-connect-1-2", name, "", 0, 0, folder, folder, folder)


def killer(
    monkeypatch: pytest.MonkeyPatch, *found: Container, share: float = 0.4
) -> tuple[WorkerKiller, list[str]]:
    def containers(_: Cluster) -> list[Container]:
        return list(found)

    monkeypatch.setattr(worker_killer, "containers", containers)
    logged: list[str] = []
    return WorkerKiller(OnePod(), share, ROWS, logged.append), logged


def test_the_worker_is_killed_when_the_share_is_archived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    kill, _ = killer(monkeypatch, container(tmp_path / "worker", "kafka-connect", process))
    kill.note(399)
    assert kill.killed_at is None
    assert process.poll() is None
    kill.note(400)
    assert process.wait(10) == -9


def test_other_containers_of_the_pod_live_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: "subprocess.Popen[bytes]"
) -> None:
    with subprocess.Popen(["sleep", "60"]) as agent:
        kill, _ = killer(
            monkeypatch,
            container(tmp_path / "agent", "metrics", agent),
            container(tmp_path / "worker", "kafka-connect", process),
        )
        kill.note(ROWS)
        assert process.wait(10) == -9
        assert agent.poll() is None
        agent.kill()


def test_rows_arrive_again_when_more_are_archived_than_at_the_workers_death(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kill, logged = killer(monkeypatch, container(tmp_path / "worker", "kafka-connect"))
    kill.note(450, unread=90)
    kill.note(470, unread=70)  # the commit that was on its way
    assert (kill.archived, kill.unread, kill.resumed_at) == (470, 70, None)
    kill.note(470, unread=70)
    assert kill.resumed_at is None
    kill.note(471, unread=69)
    assert kill.killed_at is not None
    assert kill.resumed_at is not None
    assert kill.resumed_at >= kill.killed_at
    kill.note(900, unread=0)
    assert (kill.archived, kill.unread) == (470, 70)
    assert [line.split()[0] for line in logged] == ["killed", "rows"]


def test_a_worker_on_another_machine_is_refused_before_the_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(StackError, match=r"not on this machine.*--kill-at 0"):
        killer(monkeypatch)


@pytest.mark.parametrize(("text", "share"), [("0", 0), ("0.4", 0.4), ("0.99", 0.99)])
def test_a_share_is_taken(text: str, share: float) -> None:
    parser = argparse.ArgumentParser()
    add_kill_at(parser, default=0.3)
    assert parser.parse_args(["--kill-at", text]).kill_at == share
    assert parser.parse_args([]).kill_at == 0.3


@pytest.mark.parametrize("text", ["1", "40", "-0.1", "nan", "half", ""])
def test_another_share_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_kill_at(parser, default=0)
    with pytest.raises(SystemExit):
        parser.parse_args([f"--kill-at={text}"])
    assert "is not a valid share; allowed: 0 (no kill) to 0.99" in capsys.readouterr().err
