"""The configuration file of the program that maintains the archive."""

from collections.abc import Mapping, Sequence

from components.config.maintenance import MaintenanceSettings
from components.streaming.properties import Properties
from components.streaming.sinks.protocol import MaintainedTables

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MEBIBYTE = 1024 * 1024


def maintenance_properties(
    settings: MaintenanceSettings,
    maintained: MaintainedTables,
    keys: Mapping[str, Sequence[str]],
) -> Properties:
    """Return maintenance.properties; `keys` are the columns of each table's key, by its topic."""
    return {
        **{f"catalog.{name}": value for name, value in maintained.catalog.items()},
        "tables": ",".join(maintained.tables.values()),
        # A table without a key is compacted in the order of its files.
        **{
            f"key.{archived}": ",".join(keys[topic])
            for topic, archived in maintained.tables.items()
            if keys.get(topic)
        },
        **{f"table.property.{name}": value for name, value in maintained.properties.items()},
        "prefix": maintained.prefix,
        "offsets.prefix": maintained.place_prefix,
        "snapshots.maxAgeMs": settings.snapshot_max_age_hours * HOUR_MS,
        "snapshots.maxCount": settings.snapshot_max_count,
        "files.targetBytes": settings.target_file_size * MEBIBYTE,
        "files.closedAfterMs": settings.closed_after_minutes * MINUTE_MS,
        "orphans.minAgeMs": settings.orphan_min_age_hours * HOUR_MS,
    }
