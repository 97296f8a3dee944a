"""Debezium's reading of the rows that tables have: how a configuration asks for it, and its end."""

from collections.abc import Mapping
from typing import Any

# The transforms that keep a TRUNCATE.
KEEP_TRUNCATES = {"datapipe.connect.RowOfTruncate", "datapipe.connect.FlattenChanges"}
TRUNCATE_FIRST = "truncateFirst"
POSITION = f"transforms.{TRUNCATE_FIRST}.position"


def truncating_first(config: Mapping[str, str], wal_position: int) -> dict[str, str]:
    """Return the configuration with which a snapshot writes a TRUNCATE before each table's rows.

    A row that was deleted while nothing captured the table is then not current any more. The rows
    come just before `wal_position`, which must be from before the snapshot, and from after what is
    not to be current any more. A source that does not record a TRUNCATE keeps its configuration.
    """
    if KEEP_TRUNCATES.isdisjoint(config.values()):
        return dict(config)
    return {
        **config,
        "snapshot.mode": "custom",
        "snapshot.custom.class": "datapipe.postgres.MarkedSnapshotter",
        "transforms": f"{TRUNCATE_FIRST},{config['transforms']}",
        f"transforms.{TRUNCATE_FIRST}.type": "datapipe.connect.TruncateFirst",
        # A change has the position at which its record begins, which this is not.
        POSITION: str(wal_position - 1),
    }


def all_is_read(offsets: list[dict[str, Any]]) -> bool:
    """Return whether Debezium's committed offsets are after its snapshot."""
    positions = [entry["offset"] or {} for entry in offsets]
    return bool(positions) and not any(position.get("snapshot") for position in positions)
