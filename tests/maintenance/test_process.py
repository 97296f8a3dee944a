"""The program as a process: its exit codes, and that it ends."""

import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.jdk, pytest.mark.images]

SECONDS = 60
PROPERTIES = """\
catalog.catalog-impl=org.apache.iceberg.inmemory.InMemoryCatalog
catalog.warehouse=file:{folder}
tables=cdc.users
prefix=file:{folder}
offsets.prefix=kafka.connect.offsets.
snapshots.maxAgeMs=1
snapshots.maxCount=1
files.targetBytes=1
files.closedAfterMs=1
orphans.minAgeMs=1
"""


def run(classpath: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["java", "-Xmx128m", "-cp", classpath, "datapipe.maintenance.Main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.fixture
def properties(tmp_path: Path) -> Path:
    """The settings of an archive without tables."""
    file = tmp_path / "maintenance.properties"
    file.write_text(PROPERTIES.format(folder=tmp_path))
    return file


def test_it_ends_when_every_table_is_done(classpath: str, properties: Path) -> None:
    done = run(classpath, str(properties), "maintain")
    assert (done.returncode, done.stdout) == (0, "cdc.users: the sink has not created it yet\n")


def test_wrong_use_has_an_exit_code_of_its_own(classpath: str, properties: Path) -> None:
    assert run(classpath, str(properties), "improve").returncode == 2
    properties.write_text("tables=cdc.users\n")
    refused = run(classpath, str(properties), "maintain")
    assert (refused.returncode, "is missing" in refused.stderr) == (2, True)
