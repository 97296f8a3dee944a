"""Removing the tables that a test has listed from the deployed stack."""

from collections.abc import Collection

from clients.update import changed_stack_file
from tests.engine.pulumi_project import STACK, Project, Run


def remove_tables(project: Project, tables: Collection[str]) -> Run:
    """Update to the stack file's own list; `tables`, which leave it, may lose their topics."""
    with changed_stack_file(STACK, {"datapipe:topics": {"delete": list(tables)}}) as file:
        return project.pulumi("up", "--yes", "--skip-preview", "--config-file", str(file))
