"""What the program and the process of its dynamic resources import before they do anything.

Each preview pays for it, in CI too: the packages below take from 20 to 400 ms of CPU each, and most
previews use none of them. They are imported where they are used.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from clients.stack import PROJECT

# They send requests or read certificates; declaring resources needs none of them.
CLIENTS = frozenset(
    ["boto3", "confluent_kafka", "cryptography", "kubernetes", "psycopg", "requests", "tenacity"]
)
# By which resources are declared; the process of dynamic resources declares none.
DECLARING = frozenset({"pulumi_aws", "pulumi_kubernetes"})
PROVIDER_BASE = "components.dynamic_provider"


def imported_by(file: Path) -> list[str]:
    """Return the modules that a file imports when it is imported."""
    names = []
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names.append(statement.module)
    return names


def loaded(modules: Iterable[str]) -> set[str]:
    """Return the packages that a Python has loaded after it has imported these modules."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in done.stdout.split()}


def providers() -> list[str]:
    """Return the modules that have a dynamic resource's provider."""
    files = (PROJECT / "components").rglob("*.py")
    return sorted(
        ".".join(file.relative_to(PROJECT).with_suffix("").parts)
        for file in files
        if PROVIDER_BASE in imported_by(file)
    )


def test_the_program_imports_no_client_to_declare_resources() -> None:
    found = loaded(imported_by(PROJECT / "__main__.py"))
    assert found >= DECLARING
    assert found & CLIENTS == set()


@pytest.mark.parametrize("provider", providers())
def test_the_process_of_dynamic_resources_imports_nothing_that_declares_others(
    provider: str,
) -> None:
    assert loaded([provider]) & DECLARING == set()


def test_it_imports_no_client_before_a_request() -> None:
    # An existing database is asked by PostgreSQL's driver in each preview.
    managed = [one for one in providers() if ".existing." not in one]
    assert len(managed) > 1
    assert loaded(managed) & CLIENTS == set()
