"""Reading waits for brokers that can't be asked, and fails where asking again would not help."""

import subprocess
from pathlib import Path

import pytest

from tests.java_programs import printed_by
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA

pytestmark = [pytest.mark.jdk, pytest.mark.images]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each case has printed."""
    folder = tmp_path_factory.mktemp("unread")
    copy_artifacts(JARS["values"], folder / "jars")
    classpath = f"{JAVA}/values.jar:{folder}/jars/*"
    source = Path(__file__).parent / "UnreadShares.java"
    subprocess.run(["javac", "-cp", classpath, "-d", folder, source], check=True)
    command = ["java", "-cp", f"{folder}:{classpath}", "datapipe.postgres.UnreadShares"]
    return dict(line.split(": ", 1) for line in printed_by(command))


def test_nothing_is_asked_before_something_is_sent(printed: dict[str, str]) -> None:
    assert printed["nothing is sent"].startswith("0.0")


@pytest.mark.parametrize("case", ["no name", "no broker"])
def test_brokers_that_do_not_answer_are_waited_for(printed: dict[str, str], case: str) -> None:
    """Their names have no address while their pods, or the DNS, are away."""
    assert printed[case].startswith("1.0 [")
    assert "the brokers do not say how far the sink is" in printed[case]


def test_the_reason_to_wait_is_told_apart_from_its_figures(printed: dict[str, str]) -> None:
    subjects = [printed[case].partition("]")[0] for case in ("no name", "no broker")]
    assert subjects[0] != subjects[1]
    assert "No resolvable bootstrap urls" in subjects[0]


@pytest.mark.parametrize("case", ["no address", "no key", "wrong key"])
def test_a_wrong_configuration_fails(printed: dict[str, str], case: str) -> None:
    assert printed[case] == "fails: can't ask how far the sink is behind"


def test_a_small_topic_is_looked_at_before_it_is_full(printed: dict[str, str]) -> None:
    """Milliseconds between looks: doubled up to 2 s, and less where the share grows fast."""
    assert [int(word) for word in printed["slow"].split()] == [100, 200, 400, 800, 1600, 2000, 2000]
    # From 0 to 0.2 in 100 ms, so 0.5 would be reached in 150 ms.
    assert [int(word) for word in printed["fast"].split()] == [100, 100, 100]
    assert [int(word) for word in printed["emptied"].split()] == [100, 200, 400]
