"""What chaos does to the node: found by the pod's uid, bounded, and undone without a trace."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chaos import disks, node
from chaos.disks import SmallDisk
from chaos.faults import network, object_store
from chaos.faults.processes import OutOfMemory
from chaos.pipeline import FaultError
from polling import poll_until
from tools import paths

UID = "7a1c"


def process(proc: Path, pid: int, uid: str, name: str, numbers: str) -> None:
    """Make a process's folder in /proc, as far as it is read."""
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(f"4:memory:/kubepods/burstable/pod{uid}/abc\n")
    (folder / "comm").write_text(f"{name}\n")
    (folder / "status").write_text(f"Name:\t{name}\nNSpid:\t{numbers}\nUid:\t0\n")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of our own."""
    folder = tmp_path / "proc"
    monkeypatch.setattr(node, "PROC", folder)
    return folder


def test_the_main_process_is_number_one_of_the_pods_container(proc: Path) -> None:
    process(proc, 100, UID, "pause", "100\t1")
    process(proc, 101, UID, "java", "101\t1")
    process(proc, 102, UID, "sh", "102\t77")
    process(proc, 103, "other", "java", "103\t1")
    assert node.main_process(UID) == 101


def test_a_pod_between_two_starts_has_none(proc: Path) -> None:
    process(proc, 100, UID, "pause", "100\t1")
    with pytest.raises(FaultError, match=f"no container of pod {UID} is running"):
        node.main_process(UID)


def test_the_memory_cgroup_is_a_folder_that_takes_processes() -> None:
    assert (node.memory_cgroup(os.getpid()) / "cgroup.procs").exists()


def test_a_cgroup_that_is_gone_counts_no_kills(tmp_path: Path) -> None:
    assert node.kernel_kills(tmp_path) is None
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert node.kernel_kills(tmp_path) == 3


@pytest.fixture
def small_cgroup() -> Iterator[Path]:
    """A memory cgroup with a limit of 192 MiB."""
    root = Path("/sys/fs/cgroup")
    folder = (root / "memory" if (root / "memory").exists() else root) / "datapipe-chaos-test"
    folder.mkdir()
    (limit,) = [
        folder / name
        for name in ("memory.limit_in_bytes", "memory.max")
        if (folder / name).exists()
    ]
    limit.write_text(str(192 * 1024 * 1024))
    yield folder
    deadline = time.monotonic() + 10
    while (folder / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    folder.rmdir()


@pytest.mark.root
def test_the_kernel_kills_the_container_and_not_what_fills_it(
    small_cgroup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = node.occupy(small_cgroup, 90 * 1024 * 1024, 60)
    poll_until(
        (small_cgroup / "cgroup.procs").read_text,
        timeout=30,
        interval=0.1,
        description="the process in the cgroup",
    )
    monkeypatch.setattr(node, "main_process", lambda _uid: container.pid)
    fault = OutOfMemory("oom", "does", workload="kafka")
    fault.fill("kafka-0", UID)
    assert container.wait(timeout=10) == -signal.SIGKILL
    anything: Any = None
    fault.heal(anything)


@pytest.mark.root
@pytest.mark.nftables
@pytest.mark.parametrize(
    "rules",
    [
        object_store.RULES,
        network.RULES.format(one="10.231.0.9", other="10.231.0.7, 10.231.0.8"),
    ],
)
def test_the_packet_filter_accepts_the_rules(rules: str) -> None:
    table = f"table inet {node.TABLE} {{\n{rules}\n}}\n"
    command = [str(paths.binaries() / "nft"), "--check", "--file", "-"]
    done = subprocess.run(command, input=table, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


class FakePipeline:
    """A pod that is always ready."""

    def wait_for_pod(self, _name: str) -> None:
        """Return immediately."""


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a pod's volume, with a file of another user's in it."""
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "log").write_bytes(b"x" * 1_000_000)
    os.chown(folder, 1000, 1000)
    os.chown(folder / "log", 1000, 1000)
    monkeypatch.setattr(node, "FOLDER", tmp_path / "state")
    monkeypatch.setattr(SmallDisk, "_volume", lambda *_: folder)

    @contextmanager
    def stopped(*_: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(SmallDisk, "_stopped", stopped)
    yield folder
    if os.path.ismount(folder):
        node.run("umount", str(folder))


@pytest.mark.root
def test_a_small_disk_fills_up_and_everything_comes_back(volume: Path) -> None:
    disk, pipeline = SmallDisk("kafka-0", room=8), FakePipeline()
    steps: Any = pipeline
    disk.install(steps)
    assert os.path.ismount(volume)
    disk.fill(steps)
    with pytest.raises(OSError, match="No space left on device"):
        (volume / "more").write_bytes(b"y" * 4096)
    disk.free(steps)
    (volume / "written on the small disk").write_text("kept")
    disk.remove(steps)

    assert not os.path.ismount(volume)
    assert (volume / "written on the small disk").read_text() == "kept"
    assert (volume / "log").read_bytes() == b"x" * 1_000_000
    assert (volume / "log").stat().st_uid == 1000
    assert not (volume / disks.BALLAST).exists()
    assert not node.FOLDER.exists()


@pytest.mark.root
def test_a_volume_that_was_never_moved_is_left_alone(volume: Path) -> None:
    steps: Any = FakePipeline()
    SmallDisk("kafka-0", room=8).free(steps)
    SmallDisk("kafka-0", room=8).remove(steps)
    assert [each.name for each in volume.iterdir()] == ["log"]
