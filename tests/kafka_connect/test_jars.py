"""The committed jars are what their sources compile to.

tests/e2e shows what DropDefaults does, with a NULL in a column that has a default, and its
test_metrics.py that the counters count.
"""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from images import jars
from tools import paths

pytestmark = [pytest.mark.jdk, pytest.mark.images]

TRANSFORMS = "transforms"
JAVA = Path(__file__).parents[2] / "java"
# The modules of java/, and the artifacts that they compile against.
JARS = {
    TRANSFORMS: (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/connect-transforms/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
    ),
    "json": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/connect-json/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "com/fasterxml/jackson/core/jackson-annotations/*",
        "com/fasterxml/jackson/core/jackson-core/*",
        "com/fasterxml/jackson/core/jackson-databind/*",
    ),
    "values": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "io/debezium/debezium-connector-postgres/2.4.*",
        "org/slf4j/slf4j-api/1.7.*",
    ),
    "extensions": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/slf4j/slf4j-api/1.7.*",
        "javax/ws/rs/javax.ws.rs-api/2.*",
    ),
    "commit-counter": (
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/apache/iceberg/iceberg-api/1.12.*",
        "org/apache/iceberg/iceberg-core/1.12.*",
    ),
}


def classes(jar: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


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


@pytest.mark.parametrize("module", JARS)
def test_the_committed_jar_is_compiled_from_its_source(module: str, tmp_path: Path) -> None:
    against, fresh = tmp_path / "against", tmp_path / "fresh.jar"
    copy_artifacts(JARS[module], against)
    subprocess.run([JAVA / "build.sh", module, against, fresh], check=True)
    assert classes(JAVA / f"{module}.jar") == classes(fresh)


def test_events_are_counted_by_table_and_operation_and_judged(tmp_path: Path) -> None:
    """Incomplete: a delete with __deleted=false, no key, no position, an unknown operation.

    A table whose events never have a key has none, so nothing is missing.
    """
    against = tmp_path / "against"
    copy_artifacts((*JARS[TRANSFORMS], "org/slf4j/slf4j-api/1.7.*"), against)
    shutil.copy(JAVA / f"{TRANSFORMS}.jar", against)
    driver = Path(__file__).parent / "CountedEvents.java"
    command = ["java", "-cp", f"{against}/*", str(driver)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    log, orders, users = (
        f"checkpoint=source,table=public.{table}" for table in ("log", "orders", "users")
    )
    assert set(done.stdout.splitlines()) == {
        f"type=events,{log},operation=c total=1.0",
        f"type=events,{log},operation=d total=1.0",
        f"type=quality,{log} score=1.0",
        f"type=events,{users},operation=c total=1.0",
        f"type=events,{users},operation=u total=1.0",
        f"type=events,{users},operation=d total=2.0",
        f"type=events,{orders},operation=c total=2.0",
        f"type=events,{orders},operation=t total=1.0",
        f"type=events,{orders},operation=r total=1.0",
        f"type=quality,{users} score=0.75",
        f"type=quality,{orders} score=0.25",
        "type=kafka-metrics-count count=20.0",
    }
