"""Updates a deployed stack, from its own file or with temporary settings."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from clients.stack import PROJECT, StackError

UPDATE = PROJECT / "scripts" / "up.sh"


@contextmanager
def changed_stack_file(
    stack: str, settings: Mapping[str, Any], base: Path | None = None
) -> Iterator[Path]:
    """Write a temporary copy of a stack's file with other settings, by key such as datapipe:tables.

    A section is merged into that of the file, which is `base` where the stack was deployed from
    another one. The copy is removed at the end of the block.
    """
    name = f"Pulumi.{stack}.yaml"
    document = yaml.safe_load((base or PROJECT / name).read_text())
    config = document["config"]
    for key, value in settings.items():
        merged = isinstance(value, Mapping)
        config[key] = {**config.get(key, {}), **value} if merged else value
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, name)
        copy.write_text(yaml.safe_dump(document))
        yield copy


def remove_tables(stack: str, tables: Collection[str]) -> None:
    """Update the stack to its file's own list; `tables`, which leave it, may lose their topics.

    Raises StackError with the end of the update's output if it fails.
    """
    with changed_stack_file(stack, {"datapipe:topics": {"delete": list(tables)}}) as file:
        update(stack, file)


def update_command(stack: str, file: Path | None = None) -> list[str]:
    """Return the command of an update without questions, from `file` or the stack's own."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack]
    return [*command, *(["--config-file", str(file)] if file else [])]


def update(stack: str, file: Path | None = None) -> None:
    """Run the update. Raises StackError with the end of its output if it fails."""
    done = subprocess.run(
        update_command(stack, file), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()[-2000:]
        raise StackError(f"pulumi up failed; make up repairs the stack:\n{output}")


def make_up(
    stack: str, log: Callable[[str], None], variables: Mapping[str, str] | None = None
) -> bool:
    """Run `make up` in the terminal, with further variables; return whether it succeeded."""
    log(f"make up STACK={stack}")
    environment = {**os.environ, "STACK": stack, **(variables or {})}
    return subprocess.run([UPDATE], cwd=PROJECT, env=environment, check=False).returncode == 0
