"""Connectors of a small program, on the sandbox's real Kafka Connect and PostgreSQL."""

import os
from collections.abc import Iterator

import pytest

from clients import database
from clients.stack import read_outputs
from tests.connectors_live.worker_site import Program, Site, folder_of_the_program
from tests.engine.pulumi_project import PROJECT, STACK, Project


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The deployed sandbox; `make test` deploys it before pytest starts."""
    outputs = read_outputs(STACK)
    with database.connect(outputs) as connection:
        yield Site(outputs, connection)


@pytest.fixture(scope="module")
def program(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, whose connectors are destroyed in the end."""
    folder = tmp_path_factory.mktemp("connectors")
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PYTHONPATH": str(PROJECT),
    }
    project = Project(folder_of_the_program(folder / "program"), "test", environment)
    project.pulumi("stack", "init")
    program = Program(site, project)
    yield program
    program.declare_nothing()
    program.up(check=False)
