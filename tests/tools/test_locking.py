"""Two runs never hold the same lock, and a lock leaves nothing behind."""

import multiprocessing
import time
from pathlib import Path

from tests.messages import Messages
from tools.locking import locked


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
        run.join(timeout=60)
    events = diary.read_text().splitlines()
    assert len(events) == 8
    for entered, left in zip(events[::2], events[1::2], strict=True):
        assert entered.split()[0] == left.split()[0]
    assert not lock.exists()


def test_who_waits_is_told_for_what(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    other = multiprocessing.get_context("spawn").Process(
        target=_append_slowly, args=(lock, tmp_path / "diary", "other")
    )
    other.start()
    while not lock.exists():
        time.sleep(0.005)
    messages = Messages()
    with locked(lock, messages, "the other"):
        pass
    other.join(timeout=60)
    assert messages in (["waiting for the other"], [])
    assert (tmp_path / "diary").read_text() == "other in\nother out\n"
