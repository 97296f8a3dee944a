"""Updates of a deployed stack with other settings than its file's, to be undone again."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from clients.stack import PROJECT, StackError


@contextmanager
def changed_stack_file(stack: str, settings: Mapping[str, Any]) -> Iterator[Path]:
    """A copy of a stack's file with settings by key, such as datapipe:tables, gone afterwards.

    A section is merged into what the file says there.
    """
    name = f"Pulumi.{stack}.yaml"
    document = yaml.safe_load((PROJECT / name).read_text())
    config = document["config"]
    for key, value in settings.items():
        merged = isinstance(value, Mapping)
        config[key] = {**config.get(key, {}), **value} if merged else value
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, name)
        copy.write_text(yaml.safe_dump(document))
        yield copy


def update_command(stack: str, file: Path | None = None) -> list[str]:
    """`pulumi up` without questions; `file` instead of the stack's own."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack]
    return [*command, *(["--config-file", str(file)] if file else [])]


def update(stack: str, file: Path | None = None) -> None:
    """Run it. Raises StackError with its last words where it fails."""
    done = subprocess.run(
        update_command(stack, file), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip()[-2000:]
        raise StackError(f"pulumi up failed; make up repairs the stack:\n{words}")
