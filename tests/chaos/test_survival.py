"""The deployed sandbox survives three of the faults of `make chaos`, each under load.

A worker is killed, a broker is killed, and unreadable records arrive. No committed change may be
missing from the archive or be there twice.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.catalog import IN_CI
from clients.stack import PROJECT

pytestmark = pytest.mark.pipeline

# On two cores they took four and a half.
MINUTES = 12


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The report's rows by fault."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    chosen = [argument for name in IN_CI for argument in ("--fault", name)]
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--quick", "--output", folder, *chosen],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows: dict[str, dict[str, Any]] = json.loads((folder / "chaos.json").read_text())
    return rows


@pytest.mark.parametrize("fault", IN_CI)
def test_nothing_is_lost_or_duplicated(results: dict[str, dict[str, Any]], fault: str) -> None:
    row = results[fault]
    assert row["committed"] > 100
    assert (row["lost"], row["duplicated"], row["unexpected"], row["rows_differing"]) == (0,) * 4


@pytest.mark.parametrize("fault", IN_CI)
def test_the_fault_is_seen_and_the_user_does_nothing(
    results: dict[str, dict[str, Any]], fault: str
) -> None:
    row = results[fault]
    assert row["outcome"] == "survived"
    assert row["detected_after"] is not None
    assert row["recovered_after"] is not None
    assert row["user_action"] == "nothing"
