"""Debezium's reading of the rows that tables have: how a configuration asks for it, and its end."""

from collections.abc import Mapping
from typing import Any

from kafka_connect.transforms import with_first, without

# The transforms that keep a TRUNCATE.
KEEP_TRUNCATES = {"datapipe.connect.RowOfTruncate", "datapipe.connect.FlattenChanges"}
# Ours, which read rows as Debezium's initial snapshot does, and refuse to go on after a gap; the
# second with a mark before each table's rows.
CONTINUOUS_SNAPSHOTTER = "datapipe.postgres.ContinuousSnapshotter"
MARKED_SNAPSHOTTER = "datapipe.postgres.MarkedSnapshotter"
TRUNCATE_FIRST = "truncateFirst"
# In the partition of an offset of our own (java/values, TableOffsets), for the rows of a table.
TABLE = "table"
POSITION = f"transforms.{TRUNCATE_FIRST}.position"
# Rows that are read come one before the position that they are given, after a TRUNCATE.
FIRST_ROWS = 2


def truncating_first(config: Mapping[str, str], wal_position: int) -> dict[str, str]:
    """Return the configuration with which a snapshot writes a TRUNCATE before each table's rows.

    A row that was deleted while nothing captured the table is then not current any more. The rows
    come just before `wal_position`, which must be from before the snapshot, and from after what is
    not to be current any more. A source that does not record a TRUNCATE keeps its configuration.
    """
    if KEEP_TRUNCATES.isdisjoint(config.values()):
        return dict(config)
    settings = {
        "type": "datapipe.connect.TruncateFirst",
        # A change has the position at which its record begins, which this is not.
        "position": str(wal_position - 1),
    }
    return {
        **with_first(config, TRUNCATE_FIRST, settings),
        "snapshot.mode": "custom",
        "snapshot.custom.class": MARKED_SNAPSHOTTER,
    }


def without_truncate(config: Mapping[str, str]) -> dict[str, str]:
    """Return the configuration with which a connector goes on once truncating_first() has done."""
    if not reads_again(config):
        return dict(config)
    return {
        **without(config, TRUNCATE_FIRST),
        "snapshot.mode": "custom",
        "snapshot.custom.class": CONTINUOUS_SNAPSHOTTER,
    }


def reads_existing_rows(config: Mapping[str, str]) -> bool:
    """Return whether a connector without offsets reads the rows that its tables have."""
    return (
        config.get("snapshot.mode") == "initial"
        or config.get("snapshot.custom.class") == CONTINUOUS_SNAPSHOTTER
    )


def all_is_read(offsets: list[dict[str, Any]]) -> bool:
    """Return whether Debezium's committed offsets are after its snapshot."""
    positions = _positions(offsets)
    return bool(positions) and not any(position.get("snapshot") for position in positions)


def _positions(offsets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Debezium's own offsets, without those of the tables whose rows are read."""
    return [entry["offset"] or {} for entry in offsets if TABLE not in entry.get("partition", ())]


def reads_again(config: Mapping[str, str]) -> bool:
    """Return whether a connector reads its tables again, with a TRUNCATE before their rows."""
    return config.get("snapshot.custom.class") == MARKED_SNAPSHOTTER


def has_read_again(config: Mapping[str, str], offsets: list[dict[str, Any]]) -> bool:
    """Return whether a connector that reads its tables again has read all of them.

    Offsets from before it began are below its position.
    """
    reached = [position.get("lsn", 0) for position in _positions(offsets)]
    return all_is_read(offsets) and min(reached) > int(config.get(POSITION, 0))
