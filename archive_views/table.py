"""A captured table in the archive, as the views present it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archive_views.postgres_types import PostgresType
from archive_views.targets import AS_STORED, TEXT, Target, target_of

# What Debezium and the sinks add to a row.
OPERATION, LSN, COMMITTED, CAPTURED, LOST = (
    "__op",
    "__source_lsn",
    "__source_ts_ms",
    "__ts_ms",
    "__lost",
)
CHANGE_COLUMNS = frozenset(
    {OPERATION, LSN, COMMITTED, CAPTURED, LOST, "__deleted", "__topic", "__table"}
)


@dataclass(frozen=True)
class SourceDatabase:
    """A captured database."""

    source: str
    """its name in the stack"""
    database: str
    """PostgreSQL's name of it"""


@dataclass(frozen=True)
class StoredColumn:
    """A column of the archive."""

    name: str
    source: str
    """PostgreSQL's column whose values it holds"""
    kind: str | None
    """of its values, as docs/TYPES.md lists them; None: not known"""


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view: the values of columns of the archive, of which a row has one at most."""

    name: str
    stored: tuple[tuple[StoredColumn, Target], ...]
    """with the type that each one's values are converted to; empty: the archive has none"""
    target: Target
    """the type of the column"""


@dataclass(frozen=True)
class TableViews:
    """What the views of a table are made of."""

    schema: str
    name: str
    relation: str
    """SQL of what has the archived rows"""
    columns: tuple[ViewColumn, ...]
    key: tuple[str, ...] | None
    """columns of the primary key; empty: it has none; None: not known"""
    change_columns: frozenset[str] = frozenset({OPERATION, LSN, COMMITTED, CAPTURED})
    """those of CHANGE_COLUMNS that the archive has"""
    milliseconds: bool = True
    """whether the archive has commit times as milliseconds since 1970 and not as timestamps"""
    history_name: str = ""

    @property
    def title(self) -> str:
        """Its name in PostgreSQL."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> ViewColumn:
        """Return a column by its name in PostgreSQL. Raises KeyError without one."""
        found = next((one for one in self.columns if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


@dataclass
class _Names:
    """The names of a view's columns; engines do not tell upper from lower case."""

    used: set[str] = field(default_factory=set)

    def free(self, wanted: str) -> str:
        name, number = wanted, 1
        while name.lower() in self.used:
            number += 1
            name = f"{wanted}_{number}"
        self.used.add(name.lower())
        return name


def view_columns(
    stored: Sequence[StoredColumn],
    declared: Iterable[tuple[str, str]],
    *,
    as_archived: bool = False,
) -> tuple[ViewColumn, ...]:
    """Return the columns of a table's views.

    `declared` are the names and types of PostgreSQL's columns; theirs come first, in their order.
    What else the archive has, such as a column that was dropped, comes after them. Values of an
    earlier type are in the column if the conversion is that of PostgreSQL, else in one of their
    own, NAME__KIND. With `as_archived` no value is converted.
    """
    by_source: dict[str, list[StoredColumn]] = {}
    for column in stored:
        by_source.setdefault(column.source, []).append(column)
    names = _Names()
    columns: list[ViewColumn] = []
    others: list[StoredColumn] = []
    for name, type_text in () if as_archived else declared:
        type_ = PostgresType.parse(type_text)
        parts = by_source.pop(_source_of(name, by_source), [])
        merged, apart = _merge(parts, type_)
        columns.append(ViewColumn(names.free(name), merged, target_of(type_.kind, type_)))
        others += apart
    for parts in by_source.values():
        others += parts
    for column in others:
        target = AS_STORED if as_archived else target_of(column.kind, None)
        taken = column.name.lower() in names.used and column.kind
        wanted = f"{column.source}__{column.kind}" if taken else column.name
        columns.append(ViewColumn(names.free(wanted), ((column, target),), target))
    return tuple(columns)


def _source_of(name: str, known: Collection[str]) -> str:
    if name in known:
        return name
    return next((each for each in known if each.lower() == name.lower()), name)


def _merge(
    parts: Sequence[StoredColumn], type_: PostgresType
) -> tuple[tuple[tuple[StoredColumn, Target], ...], list[StoredColumn]]:
    """Return the columns whose values have PostgreSQL's type now, and the others."""
    target = target_of(type_.kind, type_)
    merged, apart = [], []
    for column in parts:
        if column.kind in {type_.kind, None} or _converts(str(column.kind), type_, target):
            known = StoredColumn(column.name, column.source, column.kind or type_.kind)
            merged.append((known, target))
        else:
            apart.append(column)
    return tuple(merged), apart


def _converts(kind: str, type_: PostgresType, target: Target) -> bool:
    """Return whether values convert as PostgreSQL converts the rows that it has."""
    if type_.is_array:
        return False
    conversions: Mapping[str, bool] = {
        "integer": type_.kind == "float" or target.kind == "decimal" or _is_text(type_, target),
        "money": target.kind == "decimal",
        "json": _is_text(type_, target),
        "date": target.kind == "timestamp",
    }
    return conversions.get(kind, False)


def _is_text(type_: PostgresType, target: Target) -> bool:
    texts = {"text", "character varying", "numeric"}
    return target == TEXT and type_.kind == "text" and type_.name in texts


def history_names(tables: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the name of each table's view of its history: NAME_changes, if no table has that."""
    known = list(tables)
    found: dict[tuple[str, str], str] = {}
    for schema, name in known:
        wanted = f"{name}_changes"
        taken = {each.lower() for other, each in known if other == schema}
        taken |= {each.lower() for (other, _), each in found.items() if other == schema}
        while wanted.lower() in taken:
            wanted += "_"
        found[schema, name] = wanted
    return found
