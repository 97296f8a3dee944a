"""A worker that a failed task has left does not report its last state forever."""

from pathlib import Path

import pytest

from tests.java_programs import printed_by
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_jars import JARS, JAVA

pytestmark = [pytest.mark.jdk, pytest.mark.images]


def test_what_was_refused_is_forgotten_where_no_task_tries_again(tmp_path: Path) -> None:
    copy_artifacts(JARS["values"], tmp_path / "jars")
    classpath = f"{JAVA / 'values.jar'}:{JAVA / 'registry.jar'}:{tmp_path}/jars/*"
    program = Path(__file__).with_name("LeftWorkers.java")
    printed = printed_by(["java", "-cp", classpath, program])
    assert " ".join(printed).split() == ["0.0", "NaN", "1.0", "1", "0", "1"]
