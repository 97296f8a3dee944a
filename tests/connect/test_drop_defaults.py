"""The committed drop-defaults.jar is what its source compiles to.

What it does is shown end to end: tests/e2e, NULL in a column with a default.
"""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox import paths

TRANSFORMS = Path(__file__).parents[2] / "components/streaming/connect/transforms"
KAFKA_JARS = ("connect-api", "connect-transforms", "kafka-clients")


def classes(jar: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def kafka_jars(tmp_path: Path) -> Path:
    """The jars that the transform compiles against, from where the images' build put them."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    for name in KAFKA_JARS:
        found = sorted(paths.cache().glob(f"maven/org/apache/kafka/{name}/3.9.*/{name}-*.jar"))
        if not found:
            pytest.fail(f"no {name} jar in {paths.cache()}/maven; build the images: make up")
        shutil.copy(found[-1], folder)
    return folder


def test_the_committed_jar_is_compiled_from_its_source(kafka_jars: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.jar"
    subprocess.run([TRANSFORMS / "build.sh", kafka_jars, fresh], check=True)
    assert classes(TRANSFORMS / "drop-defaults.jar") == classes(fresh)
