"""Positions in the WAL that a source connector's records have."""

from collections.abc import Mapping

from kafka_connect.transforms import with_first, without

SHIFT = "shiftPosition"
SHIFT_POSITION = "datapipe.connect.ShiftPosition"
SHIFTED_BY = f"transforms.{SHIFT}.by"


def shift_of(config: Mapping[str, str]) -> int:
    """Return what a connector adds to the server's positions."""
    return int(config.get(SHIFTED_BY, 0))


def shifted(config: Mapping[str, str], by: int) -> dict[str, str]:
    """Return the configuration with another shift; 0 removes it."""
    if not by:
        return without(config, SHIFT)
    return with_first(config, SHIFT, {"type": SHIFT_POSITION, "by": str(by)})
