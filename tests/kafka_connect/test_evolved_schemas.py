"""Which changes of a table Schema Registry accepts under BACKWARD, by Avro's own rules."""

from pathlib import Path

import pytest

from tests.kafka_connect.test_jars import JACKSON, run_driver

pytestmark = [pytest.mark.jdk, pytest.mark.images]

ACCEPTED = {
    "nullable column added",
    "nullable column with a default added",
    "nullable array with a default added",
    "NOT NULL DEFAULT column added",
    "NOT NULL column added to an empty table",
    "nullable column dropped",
    "NOT NULL column dropped",
    "default set",
    "integer to bigint",
    "nullable integer to bigint",
    "real to double",
    "value added to an enum",
    "NOT NULL dropped",
    "NOT NULL set",
}
# docs/LIMITS.md describes them: another type, which old values do not fit.
REFUSED = {"bigint to integer", "timestamp to text"}


def test_the_registry_refuses_another_type_only(tmp_path: Path) -> None:
    avro = "org/apache/avro/avro/1.12.*"
    lines = run_driver("EvolvedSchemas.java", tmp_path / "jars", avro, *JACKSON)
    verdicts = dict(line.split(": ", 1) for line in lines)
    assert verdicts.keys() == ACCEPTED | REFUSED
    assert {change for change, verdict in verdicts.items() if verdict != "accepted"} == REFUSED
