"""Each contract of who may import whom refuses an import that breaks it.

All violations are put into one copy of the packages, so that one run of import-linter shows that
each contract reports its own.
"""

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}

# By contract: a module that is added, and what it imports.
VIOLATIONS = {
    "program": ("clients.imports_program", "__main__"),
    "commands": ("bench.imports_command", "sandbox.__main__"),
    "policies": ("policies.imports_components", "components.sizing"),
    "components": ("components.config.imports_clients", "clients.stack"),
    "components-layers": ("components.security.imports_streaming", "components.streaming.topics"),
    "components-cycles": (
        "components.streaming.kafka.imports_registry",
        "components.streaming.registry.registry",
    ),
    "clients": ("clients.imports_components", "components.settings"),
    "sandbox": ("sandbox.imports_catalog", "images.catalog"),
    "chaos-node": ("chaos.imports_sandbox", "sandbox.paths"),
    "load": ("workload.imports_components", "components.settings"),
    "review": ("review.imports_clients", "clients.stack"),
    "review-importers": ("clients.imports_review", "review.preview"),
    "libraries": ("polling.imports_images", "images.model"),
}


def lint(folder: Path) -> str:
    """Return import-linter's report on the packages in a folder."""
    done = subprocess.run(
        ["lint-imports", "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on a copy of the packages in which every contract is broken."""
    folder = tmp_path_factory.mktemp("packages")
    for package in SETTINGS["root_packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=_all_but_modules)
    for module, imported in VIOLATIONS.values():
        path = folder / Path(*module.split(".")).with_suffix(".py")
        path.write_text(f"import {imported}\n")
    return lint(folder)


def _all_but_modules(folder: str, names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if not name.endswith(".py") and not (Path(folder, name).is_dir() and name != "__pycache__")
    }


def test_every_contract_has_a_violation_here() -> None:
    assert set(VIOLATIONS) == set(CONTRACTS)


def test_every_package_of_the_project_is_checked() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == set(SETTINGS["root_packages"])


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_forbidden_import_breaks_its_contract(report: str, contract: str) -> None:
    name = CONTRACTS[contract]
    module, imported = VIOLATIONS[contract]

    assert f"{name} BROKEN" in report
    details = report.partition(f"\n{name}\n---")[2].partition("\n---")[0]
    chain = {
        # This kind of contract names the parts that form a cycle, not the modules.
        "components-cycles": ".kafka -> .registry (1 import)"
    }.get(contract, f"{module} -> {imported} (l.1)")
    assert chain in details


def test_the_packages_as_they_are_keep_every_contract() -> None:
    report = lint(ROOT)

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in report, report
