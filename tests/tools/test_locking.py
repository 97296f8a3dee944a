"""Two runs never hold the same lock, and a lock leaves nothing behind."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from tools.locking import locked

SECONDS = 60


def _append_slowly(lock: Path, diary: Path, who: str) -> None:
    with locked(lock, lambda _: None, "the other"):
        for event in ("in", "out"):
            with diary.open("a") as opened:
                opened.write(f"{who} {event}\n")
            time.sleep(0.05)


def test_runs_take_turns_and_the_file_is_gone_afterwards(tmp_path: Path) -> None:
    lock, diary = tmp_path / "lock", tmp_path / "diary"
    runs = [
        multiprocessing.get_context("spawn").Process(
            target=_append_slowly, args=(lock, diary, str(number))
        )
        for number in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(SECONDS)
    events = diary.read_text().splitlines()
    assert len(events) == 8
    for entered, left in zip(events[::2], events[1::2], strict=True):
        assert entered.split()[0] == left.split()[0]
    assert not lock.exists()


def _hold(lock: Path, is_held: Event, may_end: Event) -> None:
    with locked(lock, lambda _: None, "nobody"):
        is_held.set()
        may_end.wait(SECONDS)


def test_who_waits_is_told_for_what(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    lock, is_held, may_end = tmp_path / "lock", spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(lock, is_held, may_end))
    other.start()
    assert is_held.wait(SECONDS)
    messages: list[str] = []

    def progress(message: str) -> None:
        messages.append(message)
        may_end.set()

    with locked(lock, progress, "the other"):
        pass
    other.join(SECONDS)
    assert messages == ["waiting for the other"]
    assert other.exitcode == 0
    assert not lock.exists()
