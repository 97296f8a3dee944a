"""The worker shows for how long records wait, which a sink's lag does not: it has read them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.java_programs import printed_by
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA

pytestmark = [pytest.mark.jdk, pytest.mark.images]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Compile and run a program of this folder; return its lines."""
    folder = tmp_path_factory.mktemp("waiting")
    copy_artifacts(JARS["extensions"], folder / "jars")
    classpath = f"{JAVA}/extensions.jar:{folder}/jars/*"

    def run(program: str) -> list[str]:
        source = Path(__file__).parent / f"{program}.java"
        subprocess.run(["javac", "-cp", classpath, "-d", folder, source], check=True)
        command = ["java", "-cp", f"{folder}:{classpath}", f"datapipe.connect.{program}"]
        return printed_by(command)

    return run


@pytest.fixture(scope="module")
def printed(run: Callable[[str], list[str]]) -> list[str]:
    return run("WaitingOffsets")


def test_the_oldest_record_of_a_topic_is_the_first_that_is_not_committed(
    printed: list[str],
) -> None:
    """Of all partitions; from the beginning where nothing was ever committed."""
    assert printed[0] == "{new=1000, orders=2000, users=null}"
    assert printed[1] == "{new=null, orders=3000, users=null}"


def test_the_age_and_the_interval_are_shown_while_the_worker_runs_the_sink(
    printed: list[str],
) -> None:
    interval = "type=interval,connector=sink"
    waiting = "type=waiting,connector=sink,topic"
    assert printed[2:] == [
        "age stays: true",
        f"beans: {interval} 60 {waiting}=orders 130 {waiting}=users 0",
        f"beans: {interval} 20 {waiting}=orders 0",
        "beans:",
    ]


def test_dead_letters_and_tombstones_do_not_wait(run: Callable[[str], list[str]]) -> None:
    """Otherwise one in a quiet partition would wait forever: its offset is never committed."""
    assert run("RefusedOffsets") == [
        "of another sink: {orders=3000, users=4000}",
        "the first: {orders=3100, users=4000}",
        "all of orders: {orders=null, users=4000}",
        "one more: {orders=3300, users=4000}",
        "that, too: {orders=null, users=4000}",
        "one that is due, and one that is not: {orders=null, users=null}",
        "tombstones: {orders=null, users=null}",
        "a record behind them: {orders=3600, users=null}",
        "which is refused: {orders=null, users=null}",
        "the letters are deleted: {orders=null, users=null}",
        "set back to the beginning: {orders=100, users=null}",
        "nothing new: {orders=100, users=null}",
        "reads of the letters: 0",
        "without a topic: {orders=100, users=4000}",
    ]
