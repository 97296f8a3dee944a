"""Maven's artifacts, from the cache of the images' build, for tests that compile or run Java."""

import shutil
from pathlib import Path

import pytest

from images import jars
from tools import paths


def copy_artifacts(patterns: tuple[str, ...], folder: Path) -> None:
    """Copy artifacts from the cache of the images' build into a folder."""
    folder.mkdir()
    for pattern in patterns:
        found = sorted(paths.cache().glob(f"maven/{pattern}/*.jar"))
        for plugin in paths.cache().glob(f"maven/{pattern}/*-plugin.tar.gz"):
            shutil.copy(plugin, folder)
            jars.unpack_plugin_archive(folder)
            found = list(folder.glob("*.jar"))
            break
        if not found:
            pytest.fail(f"no {pattern} in {paths.cache()}/maven; build the images: make up")
        if found[-1].parent != folder:
            shutil.copy(found[-1], folder)


def copy_module(module: str, folder: Path) -> None:
    """Copy the jars that the images have of a module of images/jars into a folder."""
    folder.mkdir()
    cached = {path.name: path for path in paths.cache().glob("maven/**/*.jar")}
    for name in jars.read_checksums(module):
        if name.endswith(".jar"):
            if name not in cached:
                pytest.fail(f"no {name} in {paths.cache()}/maven; build the images: make up")
            shutil.copy(cached[name], folder)
