"""Which changes of a table Schema Registry accepts under BACKWARD, by Avro's own rules."""

import subprocess
from pathlib import Path

import pytest

from tests.kafka_connect.test_jars import JARS, JAVA, TRANSFORMS, copy_artifacts

pytestmark = [pytest.mark.jdk, pytest.mark.images]

ACCEPTED = {
    "nullable column added",
    "nullable column with a default added",
    "nullable array with a default added",
    "NOT NULL DEFAULT column added",
    "nullable column dropped",
    "NOT NULL column dropped",
    "default set",
    "integer to bigint",
    "nullable integer to bigint",
    "real to double",
    "value added to an enum",
    "NOT NULL dropped",
}
# docs/LIMITS.md lists them.
REFUSED = {
    "NOT NULL column added to an empty table": "READER_FIELD_MISSING_DEFAULT_VALUE",
    "bigint to integer": "TYPE_MISMATCH",
    "timestamp to text": "TYPE_MISMATCH",
    "NOT NULL set": "TYPE_MISMATCH",
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("evolved") / "jars"
    libraries = ("org/slf4j/slf4j-api/1.7.*", "org/apache/avro/avro/1.12.*")
    jackson = tuple(
        f"com/fasterxml/jackson/core/jackson-{part}/2.16.*"
        for part in ("annotations", "core", "databind")
    )
    copy_artifacts((*JARS[TRANSFORMS], *libraries, *jackson), folder)
    classpath = f"{JAVA / TRANSFORMS}.jar:{folder}/*"
    driver = Path(__file__).parent / "EvolvedSchemas.java"
    command = ["java", "-cp", classpath, str(driver)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_the_registry_accepts_and_refuses_what_the_limits_say(printed: dict[str, str]) -> None:
    verdicts = {change: verdict for change, verdict in printed.items() if "value of" not in change}
    assert verdicts == {**dict.fromkeys(ACCEPTED, "accepted"), **REFUSED}


def test_a_null_in_a_column_with_a_default_stays_null(printed: dict[str, str]) -> None:
    assert {name: printed[f"value of {name}"] for name in ("c0", "c1", "c2")} == {
        "c0": "null",
        "c1": "8",
        "c2": "null",
    }
