"""The queries of the views, in the words of a dialect.

A change's place is `2 * lsn`, and one more for all but deletes: an update of a key is a delete and
an insert at one position in the WAL. verification/archive_state.py computes the same state.
"""

from collections.abc import Mapping, Sequence

from archive_views.dialect import Dialect
from archive_views.table import (
    CAPTURED,
    COMMITTED,
    LOST,
    LSN,
    OPERATION,
    SourceDatabase,
    TableViews,
    ViewColumn,
)
from archive_views.targets import TEXT, Target

# The design's view over the changes of all tables, here of all sources.
EVENTS = "s3_cdc_events"
EVENT_COLUMNS = (
    "event_timestamp",
    "operation_type",
    "table_name",
    "connector_version",
    "database_name",
    "schema_name",
    "transaction_id",
    "lsn",
    "before_data",
    "after_data",
    "year",
    "month",
    "day",
    "hour",
    # Not the design's: two sources may have databases of one name.
    "source_name",
)


class ViewQueries:
    """The queries of one table's views."""

    def __init__(self, table: TableViews, dialect: Dialect) -> None:
        self._table, self._dialect = table, dialect
        self._operation, self._lsn = dialect.quoted(OPERATION), dialect.quoted(LSN)
        self._position = (
            f"(2 * coalesce({self._lsn}, 0) + CASE WHEN {self._operation} = 'd' THEN 0 ELSE 1 END)"
        )

    def history(self) -> str:
        """Return the query of all changes, each with the row's values after it.

        A delete has the row's last values, a TRUNCATE (`t`) none.
        """
        own = [f"{self._value(one)} AS {self._quoted(one.name)}" for one in self._table.columns]
        times = [
            f"{self._time(name)} AS {alias}"
            for name, alias in ((COMMITTED, "__committed_at"), (CAPTURED, "__captured_at"))
        ]
        lost = self._quoted(LOST) if LOST in self._table.change_columns else self._null_text()
        added = [f"{self._operation} AS __op", *times, f"{self._lsn} AS __lsn", f"{lost} AS __lost"]
        return f"SELECT {', '.join([*own, *added])} FROM {self._table.relation}"

    def present(self) -> str:
        """Return the query of the rows that the table has.

        They are the last change of each key, without deletes and without what was archived before
        the last TRUNCATE. Rows of a table without a primary key are counted.
        """
        if self._table.key is None:
            return self._unknown_key()
        return self._last_of_each_key() if self._table.key else self._counted()

    def events(self, origin: SourceDatabase) -> str:
        """Return the query of all changes in the form of the design's table s3_cdc_events."""
        quoted, literal = self._quoted, self._dialect.literal
        committed = self._time(COMMITTED)
        rows = (
            f"SELECT {committed} AS event_timestamp, {self._operation} AS operation_type,"
            f" {self._lsn} AS lsn, {self._json()} AS row_data, {self._previous()} AS previous_data"
            f" FROM {self._table.relation}"
        )
        null = self._null_text()
        before = (
            "CASE operation_type WHEN 'u' THEN previous_data"
            " WHEN 'd' THEN coalesce(previous_data, row_data) END"
        )
        values = {
            "table_name": literal(self._table.name),
            "connector_version": null,
            "database_name": literal(origin.database),
            "schema_name": literal(self._table.schema),
            "source_name": literal(origin.source),
            "transaction_id": "CAST(NULL AS BIGINT)",
            "before_data": before,
            "after_data": "CASE WHEN operation_type IN ('c', 'u', 'r') THEN row_data END",
            **{
                unit: self._dialect.part(unit, "event_timestamp")
                for unit in ("year", "month", "day", "hour")
            },
        }
        columns = [
            f"{values[name]} AS {quoted(name)}" if name in values else name
            for name in EVENT_COLUMNS
        ]
        return f"SELECT {', '.join(columns)} FROM ({rows}) AS changes"

    def _last_of_each_key(self) -> str:
        """Find each key's last position first, so that only the rows that are left are decoded.

        Rows that a sink wrote twice have one place, and count once.
        """
        keys = [self._key(name) for name in self._table.key or ()]
        names = [f"__key_{number}" for number in range(len(keys))]
        last = [f"{key} AS {name}" for key, name in zip(keys, names, strict=True)]
        same = [f"{key} = latest.{name}" for key, name in zip(keys, names, strict=True)]
        found = ", ".join(f"latest.{name}" for name in names)
        values = ", ".join(
            f"{self._dialect.any_value(self._quoted(name))} AS {self._quoted(name)}"
            for name in self._stored()
        )
        latest = (
            f"SELECT {', '.join(last)}, max({self._position}) AS __position"
            f" FROM {self._table.relation}"
            f" WHERE {self._position} > {self._truncated()} AND {self._operation} <> 't'"
            f" GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}"
        )
        rows = (
            f"SELECT {found}, {values} FROM {self._table.relation}"
            f" JOIN latest ON {self._position} = latest.__position AND {' AND '.join(same)}"
            f" WHERE {self._operation} NOT IN ('d', 't') GROUP BY {found}"
        )
        # A condition on a column of the key reaches both scans from what is grouped by only.
        known = {
            columns[0].name: name
            for columns, name in zip(
                map(self._key_columns, self._table.key or ()), names, strict=True
            )
            if len(columns) == 1
        }
        typed = self._typed_columns(known)
        return f"WITH latest AS ({latest}) SELECT {typed} FROM ({rows}) AS present"

    def _counted(self) -> str:
        """Count each row: as often as it was inserted and not deleted.

        Rows have no identity by which a second reading could replace the first, so the last
        complete one counts. What an update has replaced is not in the archive, so there must be
        none.
        """
        stored = [self._quoted(name) for name in self._stored()]
        after = (
            f"(SELECT greatest({self._truncated()}, coalesce(max(CASE WHEN {self._operation} = 'r'"
            f" THEN {self._position} END), 0) - 2) FROM {self._table.relation})"
        )
        count = f"sum(CASE {self._operation} WHEN 'd' THEN -1 ELSE 1 END)"
        updated = f"sum(CASE {self._operation} WHEN 'u' THEN 1 ELSE 0 END)"
        since = (
            f"FROM {self._table.relation} WHERE {self._operation} <> 't'"
            f" AND {self._position} > {after}"
        )
        rows = (
            f"SELECT {', '.join(stored)}, CAST({count} AS BIGINT) AS __rows {since}"
            f" GROUP BY {', '.join(stored)} HAVING {count} <> 0"
        )
        refused = self._dialect.fail(
            f"{self._table.title} has no primary key, and rows of it were updated. The archive has"
            " only the new rows, so it does not say which rows the table has"
            f" ({self._table.history_name} has its history)"
        )
        checked = (
            f"SELECT * FROM ({rows}) AS counted"
            f" WHERE CASE WHEN (SELECT {updated} {since}) > 0 THEN {refused} ELSE true END"
        )
        return (
            f"SELECT {self._typed_columns()} FROM"
            f" ({self._dialect.repeated(checked, stored, '__rows')}) AS present"
        )

    def _unknown_key(self) -> str:
        refused = self._dialect.fail(
            f"the primary key of {self._table.title} is not known, and PostgreSQL was not asked:"
            f" run make up, or query its history {self._table.history_name}"
        )
        return f"SELECT {self._typed_columns()} FROM {self._table.relation} WHERE {refused}"

    def _truncated(self) -> str:
        """Return SQL for the place of the last TRUNCATE."""
        return (
            f"(SELECT coalesce(max({self._position}), -1) FROM {self._table.relation}"
            f" WHERE {self._operation} = 't')"
        )

    def _previous(self) -> str:
        """Return SQL for the state before a change of the same key."""
        if not self._table.key:
            return self._null_text()
        keys = ", ".join(self._key(name) for name in self._table.key)
        return f"lag({self._json()}) OVER (PARTITION BY {keys} ORDER BY {self._position})"

    def _json(self) -> str:
        values = [(one.name, self._value(one), one) for one in self._table.columns]
        return self._dialect.json_object(values)

    def _key(self, name: str) -> str:
        """Return SQL for a column of the key, of whatever type it was."""
        columns = self._key_columns(name)
        if len(columns) == 1:
            return self._value(columns[0])
        return f"coalesce({', '.join(self._dialect.text(self._value(one)) for one in columns)})"

    def _key_columns(self, name: str) -> list[ViewColumn]:
        return [
            one
            for one in self._table.columns
            if one.name == name or any(stored.source == name for stored, _ in one.stored)
        ]

    def _typed_columns(self, known: Mapping[str, str] | None = None) -> str:
        """Return SQL for all columns; `known` are expressions for some of them, by their names."""
        values = known or {}
        return ", ".join(
            f"{values.get(one.name) or self._value(one)} AS {self._quoted(one.name)}"
            for one in self._table.columns
        )

    def _value(self, column: ViewColumn) -> str:
        values = [
            self._dialect.typed(self._quoted(stored.name), stored, target)
            for stored, target in column.stored
        ]
        if not values:
            return self._dialect.null(column.target)
        return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"

    def _stored(self) -> list[str]:
        return [stored.name for one in self._table.columns for stored, _ in one.stored]

    def _time(self, column: str) -> str:
        if column not in self._table.change_columns:
            return self._dialect.null(Target("timestamptz"))
        milliseconds = self._table.milliseconds or column == CAPTURED
        return self._dialect.time(self._quoted(column), milliseconds)

    def _null_text(self) -> str:
        return self._dialect.null(TEXT)

    def _quoted(self, name: str) -> str:
        return self._dialect.quoted(name)


def all_events(tables: Sequence[tuple[SourceDatabase, TableViews]], dialect: Dialect) -> str:
    """Return the query of the view s3_cdc_events over all tables. There must be at least one."""
    return " UNION ALL ".join(ViewQueries(one, dialect).events(origin) for origin, one in tables)
