"""Properties with which a source would miss existing rows, or read them twice.

An interrupted reading goes on after the row that was committed last, by our own class in
values.jar. So all rows must come from its query, in the order of their key. It refuses these
properties, too (java/values, ReadingSettings), where they are set on the worker.
"""

from collections.abc import Mapping

_ON_A_SIGNAL = (
    "rows that are read on a signal would be missing or come twice; bin/datapipe recover tables"
    " --again reads a table again"
)
# By property: its only value where it is set, and what another one would do.
RULES: Mapping[str, tuple[str | None, str]] = {
    "snapshot.max.threads": (
        "1",
        "several threads mix the order of rows, and an interrupted reading would miss some",
    ),
    "snapshot.select.statement.overrides": (
        None,
        "an interrupted reading would begin again and write rows twice, or miss some",
    ),
    "snapshot.include.collection.list": (
        None,
        "the existing rows of the other tables would be missing",
    ),
    "message.key.columns": (
        None,
        "an interrupted reading goes on by the primary key, which records would not have",
    ),
    "signal.data.collection": (None, _ON_A_SIGNAL),
    "signal.enabled.channels": ("source", _ON_A_SIGNAL),
}


def require_all_rows(properties: Mapping[str, str]) -> None:
    """Raise ValueError where existing rows would be missing or come twice."""
    for name, (allowed, otherwise) in RULES.items():
        value = properties.get(name)
        if value not in (None, allowed):
            wrong = f"is {value!r}; allowed: {allowed}" if allowed else "must not be set"
            raise ValueError(f"{name} {wrong} ({otherwise})")
