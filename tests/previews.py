"""Previews of the pipeline's stacks by the real engine, each made once in a test session.

A preview takes some 7 s of CPU. Tests that ask for the same one share it, also between the workers
of pytest-xdist: the first worker that needs it makes it, the others wait for its file.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.resource import NotKnownYetError, Unknown
from review.preview import PROGRAM, PROJECT, Preview, preview


@dataclass(frozen=True)
class Previews:
    """The session's previews, kept as files in `folder`."""

    folder: Path

    def __call__(self, stack: str, changes: Mapping[str, Any] | None = None) -> Preview:
        """Return the preview of a stack whose file has these `changes` (by `datapipe:` key)."""
        key = hashlib.sha256(json.dumps([stack, changes], sort_keys=True).encode()).hexdigest()
        file = self.folder / key
        with (self.folder / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                file.write_bytes(_dump(_preview(stack, changes or {})))
        made: Preview = pickle.loads(file.read_bytes())  # noqa: S301  written by this session
        return made


def changed_program(folder: Path, stack: str, changes: Mapping[str, Any]) -> Path:
    """Put the program into `folder`, with `changes` in the stack file, and return the folder."""
    for name in PROGRAM:
        (folder / name).symlink_to(PROJECT / name)
    file = Path(shutil.copy(PROJECT / f"Pulumi.{stack}.yaml", folder))
    document = yaml.safe_load(file.read_text())
    document["config"].update(changes)
    file.write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture(scope="session")
def previews(tmp_path_factory: pytest.TempPathFactory) -> Previews:
    """The previews of this session, whichever worker of pytest-xdist asks."""
    base = tmp_path_factory.getbasetemp()
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = session / "previews"
    folder.mkdir(exist_ok=True)
    return Previews(folder)


def _preview(stack: str, changes: Mapping[str, Any]) -> Preview:
    if not changes:
        return preview(stack)
    with tempfile.TemporaryDirectory() as folder:
        return preview(stack, changed_program(Path(folder), stack, changes))


class _Pickler(pickle.Pickler):
    """Pickles unknown values, too, any use of which raises."""

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, Unknown):
            return NotImplemented
        try:
            str(obj)
        except NotKnownYetError as unknown:
            return Unknown, (str(unknown),)
        raise AssertionError("an unknown value was used without an error")


def _dump(made: Preview) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(made)
    return buffer.getvalue()
