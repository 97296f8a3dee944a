"""An existing database through the real engine: what is wrong is refused in preview, not in up."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.config.existing_source import ExistingSource
from components.source.existing.database import READ_AGAIN, inputs_of
from components.source.existing.statements import tables_sql
from tests.engine.pulumi_project import PROJECT, Project
from tests.postgres_versions.servers import PASSWORD, ExistingServer, existing_server

pytestmark = [pytest.mark.engine, pytest.mark.postgres_versions]

SLOT = "SELECT pg_create_logical_replication_slot('datapipe_shop', 'pgoutput')"
DATABASE = "pulumi-python:dynamic/datapipe:ExistingDatabase database-shop"


@pytest.fixture
def server() -> Iterator[ExistingServer]:
    with existing_server(16) as running:
        yield running


@pytest.fixture
def project(server: ExistingServer, tmp_path: Path) -> Project:
    """The small project of tests/engine/existing with a state of its own and no cluster."""
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROJECT / "tests/engine/existing" / file, tmp_path)
    project = Project.with_own_state(tmp_path, "life", KUBECONFIG=str(tmp_path / "none"))
    capture(project, shop=server.source(onRemoval="drop"))
    return project


def capture(project: Project, **sources: ExistingSource) -> None:
    """Configure the project's databases."""
    given = json.dumps({name: inputs_of(source) for name, source in sources.items()})
    project.pulumi("config", "set", "--secret", "sources", given)


def test_the_life_of_a_database_that_the_program_does_not_run(
    server: ExistingServer, project: Project
) -> None:
    refused = project.pulumi("preview", check=False)
    assert refused.code != 0
    assert "shop: password: password authentication failed" in refused.output
    assert "run the SQL of make source-sql SOURCE=shop" in refused.output

    server.prepare()
    server.execute("ALTER PUBLICATION datapipe_shop DROP TABLE sales.orders")
    refused = project.pulumi("preview", check=False)
    assert "shop: sales.orders: it is not in the publication datapipe_shop" in refused.output
    assert project.resources() == []

    server.execute(tables_sql("shop", server.source()))
    run = project.pulumi("up", "--yes", "--skip-preview")
    assert "shop is looked at from this machine: no kubeconfig" in run.output
    assert PASSWORD not in project.pulumi("stack", "export").output
    keys = json.loads(project.pulumi("stack", "output", "--json").output)["keys"]
    assert keys == {"public.users": ["id"], "sales.orders": ["id"]}

    server.execute(SLOT, "postgres")
    assert project.pulumi("preview", "--json", "--expect-no-changes").steps() == {}
    server.execute("DROP TABLE sales.orders; CREATE TABLE sales.orders (id int PRIMARY KEY)")
    server.execute(tables_sql("shop", server.source()))
    replaced = project.pulumi("preview", "--json")
    assert "sales.orders: it is not the table that was captured" in replaced.output
    assert replaced.steps() == {DATABASE: "update"}

    server.stop()
    away = project.pulumi("preview", "--json", "--expect-no-changes")
    assert "warning: shop was not checked: TCP: 127.0.0.1:" in away.output
    assert away.steps() == {}

    server.start()
    removed = project.pulumi("destroy", "--yes", "--skip-preview")
    assert "shop: dropped the slot datapipe_shop" in removed.output
    assert server.execute("SELECT slot_name FROM pg_replication_slots") == []


def test_two_sources_that_are_one_server_share_no_publication(
    server: ExistingServer, project: Project
) -> None:
    server.prepare()
    store = server.source(host="127.0.0.1", publication="datapipe_shop", slot="datapipe_store")
    capture(project, shop=server.source(), store=store)
    refused = project.pulumi("preview", check=False)
    assert refused.code != 0
    assert "are one server and have its database shop and the publication datapipe_shop" in (
        refused.output
    )


def test_a_table_is_read_again_once(server: ExistingServer, project: Project) -> None:
    """As `bin/datapipe recover tables --again` asks for it."""
    server.prepare()
    project.pulumi("up", "--yes", "--skip-preview")
    server.execute(SLOT, "postgres")
    environment = {**project.environment, READ_AGAIN: "shop.sales.orders"}
    again = replace(project, environment=environment)
    assert again.pulumi("preview", "--json").steps() == {DATABASE: "update"}
    run = again.pulumi("up", "--yes", "--skip-preview")
    assert "sales.orders: it is to be read again. up reads the table again" in run.output
    [captured] = [
        resource["outputs"]["captured"]
        for resource in project.resources()
        if resource["urn"].endswith("::database-shop")
    ]
    assert list(captured["missed"]) == ["sales.orders"]
    assert project.pulumi("preview", "--json", "--expect-no-changes").steps() == {}

    server.stop()
    refused = again.pulumi("preview", check=False)
    assert refused.code != 0
    assert "shop: TCP: 127.0.0.1" in refused.output
