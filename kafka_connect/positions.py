"""Positions in the WAL that a source connector's records have."""

from collections.abc import Mapping

SHIFT = "shiftPosition"
SHIFT_POSITION = "datapipe.connect.ShiftPosition"
SHIFTED_BY = f"transforms.{SHIFT}.by"


def shift_of(config: Mapping[str, str]) -> int:
    """Return what a connector adds to the server's positions."""
    return int(config.get(SHIFTED_BY, 0))


def shifted(config: Mapping[str, str], by: int) -> dict[str, str]:
    """Return the configuration with another shift; 0 removes it."""
    own = f"transforms.{SHIFT}."
    plain = {key: value for key, value in config.items() if not key.startswith(own)}
    transforms = [
        name for name in plain.get("transforms", "").split(",") if name not in {"", SHIFT}
    ]
    if not by:
        return {**plain, "transforms": ",".join(transforms)}
    return {
        **plain,
        "transforms": ",".join([SHIFT, *transforms]),
        f"{own}type": SHIFT_POSITION,
        SHIFTED_BY: str(by),
    }
