"""Where Python keeps the bytecode of what it imports."""

import os
import subprocess

from clients.stack import PROJECT


def environment(**given: str) -> list[str]:
    """Return what `tools env` exports to a shell with these variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    }
    done = subprocess.run(
        ["bash", "tools/bootstrap.sh", "tools", "env"],
        cwd=PROJECT,
        env=kept | given,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_bytecode_is_cached_where_it_must_not_be_next_to_the_modules() -> None:
    exported = environment(PYTHONDONTWRITEBYTECODE="1")
    assert "export PYTHONDONTWRITEBYTECODE=''" in exported
    assert any(line.startswith("export PYTHONPYCACHEPREFIX=") for line in exported)


def test_bytecode_stays_next_to_the_modules_elsewhere() -> None:
    assert not [line for line in environment() if "BYTECODE" in line or "PYCACHE" in line]
