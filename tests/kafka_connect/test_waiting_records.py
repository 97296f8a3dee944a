"""The worker shows for how long records wait, which a sink's lag does not: it has read them."""

import subprocess
from pathlib import Path

import pytest

from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA

pytestmark = [pytest.mark.jdk, pytest.mark.images]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("waiting")
    copy_artifacts(JARS["extensions"], folder / "jars")
    classpath = f"{JAVA}/extensions.jar:{folder}/jars/*"
    source = Path(__file__).parent / "WaitingOffsets.java"
    subprocess.run(["javac", "-cp", classpath, "-d", folder, source], check=True)
    command = ["java", "-cp", f"{folder}:{classpath}", "datapipe.connect.WaitingOffsets"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_oldest_record_of_a_topic_is_the_first_that_is_not_committed(
    printed: list[str],
) -> None:
    """Of all partitions; from the beginning where nothing was ever committed."""
    assert printed[0] == "{new=1000, orders=2000, users=null}"
    assert printed[1] == "{new=null, orders=3000, users=null}"


def test_the_age_and_the_interval_are_shown_while_the_worker_runs_the_sink(
    printed: list[str],
) -> None:
    interval = "type=interval,connector=sink 60"
    waiting = "type=waiting,connector=sink,topic"
    assert printed[2:] == [
        "age stays: true",
        f"beans: {interval} {waiting}=orders 130 {waiting}=users 0",
        f"beans: {interval} {waiting}=orders 0",
        "beans:",
    ]
