"""A process that runs scenarios of the maintenance on tables in local files."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.java_programs import JavaProgram, java_program
from tests.kafka_connect.artifacts import copy_module
from tests.maintenance.scenarios import Scenarios

HERE = Path(__file__).parent
JAR = HERE.parents[1] / "java/maintenance.jar"


@pytest.fixture(scope="session")
def classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, the jars of Iceberg's sink and the classes of these tests."""
    folder = tmp_path_factory.mktemp("java")
    copy_module("iceberg-sink", folder / "plugin")
    shutil.copy(JAR, folder)
    found = f"{folder}/maintenance.jar:{folder}/plugin/*:{folder}/classes"
    sources = sorted((HERE / "java").rglob("*.java"))
    options = ["-proc:none", "-nowarn", "-d", f"{folder}/classes", "-cp", found]
    subprocess.run(["javac", *options, *sources], check=True, capture_output=True)
    return found


@pytest.fixture(scope="session")
def program(classpath: str) -> Iterator[JavaProgram]:
    name = "datapipe.maintenance.MaintenanceScenarios"
    with java_program(classpath, name, "-Xmx256m") as running:
        yield running


@pytest.fixture
def scenarios(program: JavaProgram, tmp_path: Path) -> Scenarios:
    """A new table and its sink."""
    found = Scenarios(program, tmp_path)
    found.ask(f"open {tmp_path} 1")
    return found
