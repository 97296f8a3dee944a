"""Rows that name their table are what they were before, and a row without a table is refused."""

import shutil
from pathlib import Path

import pytest

from tests.java_programs import printed_by
from tests.kafka_connect.artifacts import copy_artifacts
from tests.kafka_connect.test_column_kinds import ARTIFACTS, JAR

pytestmark = [pytest.mark.jdk, pytest.mark.images]


def test_rows_get_their_table_and_nothing_else_changes(tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    copy_artifacts(ARTIFACTS, jars)
    shutil.copy(JAR, jars)
    command = ["java", "-cp", f"{jars}/*", str(Path(__file__).parent / "NamedTables.java")]
    rows = ["id=1 text=null", "id=2 text=text", "id=3", "id=2 text=text", "id=1 text=null", "id=3"]
    tables = {"postgres.public.users": "cdc.users", "crm.Sales.users": "crm_db.sales_users"}
    assert printed_by(command) == [
        *(
            f"{row} __topic={topic} __table={table} same"
            for topic, table in tables.items()
            for row in rows
        ),
        "null",
        "refused: No table is known for the topic postgres.public.Users",
        "refused: A record of postgres.public.users has no schema",
    ]
