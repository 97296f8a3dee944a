"""Service manifests for Connect's plugins, for workers with `plugin.discovery=service_load`.

Debezium 2.4 has none for its connectors and transforms; without them a worker scans every class
of every jar at each start.
"""

from pathlib import Path

from images.commands import run


def add_manifests(plugin: Path, kafka_jars: Path) -> None:
    """Add a jar of manifests to the folder `plugin`, with Kafka's own tool for it.

    The java that runs it is Maven's. Raises UserError when the tool fails.
    """
    run(
        [
            *("java", "-cp", f"{kafka_jars}/*"),
            "org.apache.kafka.tools.ConnectPluginPath",
            "sync-manifests",
            *("--plugin-location", plugin),
        ]
    )
