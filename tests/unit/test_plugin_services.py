"""Kafka Connect finds the classes of java/ only by the lists of plugins in their jars.

Where a class is loaded without its plugin's class loader, as for the tasks of a running connector,
one that is not listed does not exist, although the worker has validated the configuration.
"""

import re
import zipfile
from pathlib import Path

import pytest

JAVA = Path(__file__).parents[2] / "java"
PLUGINS = {
    "Transformation": "org.apache.kafka.connect.transforms.Transformation",
    "Converter": "org.apache.kafka.connect.storage.Converter",
    "SourceConnector": "org.apache.kafka.connect.source.SourceConnector",
}
LOADED_BY_ICEBERG = {"datapipe.iceberg.CommitCounter"}
DECLARED = re.compile(
    r"^public (?:final )?class (\w+)(?:<[^{]*?>)?\s+(?:extends|implements)\s([^{]*)\{", re.MULTILINE
)
NAMED = re.compile(r"\"\s*(datapipe\.(?:connect|iceberg)\.\w+)\"")


def listed(jar: Path, plugin: str) -> set[str]:
    with zipfile.ZipFile(jar) as content:
        name = f"META-INF/services/{plugin}"
        return set(content.read(name).decode().split()) if name in content.namelist() else set()


def declared(module: str, kind: str) -> set[str]:
    """Return the public classes of a module that implement an interface of Connect's."""
    return {
        f"{'.'.join(source.relative_to(JAVA / module / 'src').parts[:-1])}.{match[1]}"
        for source in (JAVA / module / "src").rglob("*.java")
        for match in DECLARED.finditer(source.read_text())
        if re.search(rf"(?<!Custom){kind}\b", match[2])  # Debezium has CustomConverter
    }


@pytest.mark.parametrize("kind", ["Transformation", "Converter"])
@pytest.mark.parametrize("jar", sorted(JAVA.glob("*.jar")), ids=lambda jar: str(jar.stem))
def test_a_jar_lists_the_plugins_of_its_sources(jar: Path, kind: str) -> None:
    assert listed(jar, PLUGINS[kind]) == declared(jar.stem, kind)


def test_every_class_that_a_connector_names_is_a_plugin() -> None:
    plugins = {
        name
        for jar in JAVA.glob("*.jar")
        for plugin in PLUGINS.values()
        for name in listed(jar, plugin)
    }
    named = {
        match[1]
        for source in (JAVA.parent / "components/streaming/connectors").rglob("*.py")
        for match in NAMED.finditer(source.read_text())
    }
    assert "datapipe.iceberg.NameTable" in named
    assert named - LOADED_BY_ICEBERG <= plugins
