"""What the built images hold; they are built now (as root) when the cache has none."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images.build import build
from images.catalog import IMAGES
from tools.progress import ConsoleProgress

pytestmark = [pytest.mark.root, pytest.mark.images]

# Small files that the tests read; of all others only the entry is kept.
READ = ("etc/passwd", "etc/group", "kafka/connect/")
READ_BELOW_BYTES = 1_000_000


class Contents:
    """The files of an image's layers, and its configuration."""

    def __init__(self, archive: Path) -> None:
        self.entries: dict[str, tarfile.TarInfo] = {}
        self.texts: dict[str, bytes] = {}
        with tarfile.open(archive) as layout:
            manifest = self._blob(layout, self._json(layout, "index.json")["manifests"][0])
            self.config = self._blob(layout, manifest["config"])["config"]
            for layer in manifest["layers"]:
                self._read_layer(layout, layer["digest"])

    def _read_layer(self, layout: tarfile.TarFile, digest: str) -> None:
        stored = layout.extractfile(f"blobs/{digest.replace(':', '/')}")
        assert stored is not None
        with tarfile.open(fileobj=stored, mode="r|gz") as layer:
            for entry in layer:
                name = entry.name.removeprefix("./")
                self.entries[name] = entry
                if name.startswith(READ) and entry.isfile() and entry.size < READ_BELOW_BYTES:
                    content = layer.extractfile(entry)
                    assert content is not None
                    self.texts[name] = content.read()

    def _json(self, layout: tarfile.TarFile, name: str) -> Any:
        stored = layout.extractfile(name)
        assert stored is not None
        return json.load(stored)

    def _blob(self, layout: tarfile.TarFile, descriptor: dict[str, Any]) -> Any:
        return self._json(layout, f"blobs/{descriptor['digest'].replace(':', '/')}")

    def below(self, folder: str) -> set[str]:
        return {name for name in self.entries if name.startswith(f"{folder}/")}

    def services(self, plugin: str) -> Iterator[str]:
        """Yield the classes that the plugin's service manifests name."""
        for name, content in self.texts.items():
            if not name.startswith(f"{plugin}/") or not name.endswith(".jar"):
                continue
            with zipfile.ZipFile(io.BytesIO(content)) as jar:
                for manifest in jar.namelist():
                    if manifest.startswith("META-INF/services/org.apache.kafka."):
                        yield from jar.read(manifest).decode().split()


@pytest.fixture(scope="module")
def archives() -> dict[str, Path]:
    return build(IMAGES, ConsoleProgress("images"))


@pytest.fixture(scope="module")
def postgresql(archives: dict[str, Path]) -> Contents:
    return Contents(archives["postgresql"])


@pytest.fixture(scope="module")
def connect(archives: dict[str, Path]) -> Contents:
    return Contents(archives["connect"])


def test_postgresql_runs_as_user_70_and_brings_no_cluster(postgresql: Contents) -> None:
    passwd = postgresql.texts["etc/passwd"].decode()

    assert "postgres:x:70:70:" in passwd
    assert "postgres:x:70:" in postgresql.texts["etc/group"].decode()
    assert postgresql.config["User"] == "70:70"
    assert "LANG=C.UTF-8" in postgresql.config["Env"]
    programs = postgresql.below("usr/lib/postgresql/15/bin")
    assert {f"usr/lib/postgresql/15/bin/{name}" for name in ("initdb", "postgres", "psql")} <= (
        programs
    )
    assert not postgresql.below("var/lib/postgresql/15")


def test_postgresql_comes_without_the_compiler_and_manuals(postgresql: Contents) -> None:
    files = {name for name, entry in postgresql.entries.items() if not entry.isdir()}

    assert not {name for name in files if "LLVM" in name or "llvmjit" in name}
    assert not {name for name in files if name.startswith(("usr/share/man/", "usr/share/locale/"))}
    assert not {name for name in files if name.endswith(("_Packages", "_InRelease", ".deb"))}


def test_nothing_of_the_building_machine_is_in_an_image(connect: Contents) -> None:
    assert not {"etc/hostname", "etc/resolv.conf"} & connect.entries.keys()


def test_connect_holds_kafka_java_and_the_exporter(connect: Contents) -> None:
    assert "kafka:x:1000:1000:" in connect.texts["etc/passwd"].decode()
    assert connect.config["User"] == "1000:1000"
    assert "opt/kafka/libs/kafka_2.13-3.9.2.jar" in connect.entries
    assert "opt/jmx-exporter/jmx_prometheus_javaagent.jar" in connect.entries
    # The JVM's shared class data: half of a start's time.
    assert [name for name in connect.entries if name.endswith("lib/server/classes.jsa")]


@pytest.mark.parametrize(
    ("plugin", "wanted"),
    [
        (
            "debezium-postgres",
            {
                "io.debezium.connector.postgresql.PostgresConnector",
                "io.debezium.transforms.ExtractNewRecordState",
            },
        ),
        ("iceberg-sink", {"org.apache.iceberg.connect.IcebergSinkConnector"}),
    ],
)
def test_connect_finds_plugins_by_manifests_without_scanning(
    connect: Contents, plugin: str, wanted: set[str]
) -> None:
    assert wanted <= set(connect.services(f"kafka/connect/{plugin}"))
