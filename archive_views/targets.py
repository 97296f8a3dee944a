"""The types that a view gives its columns, whatever the dialect calls them."""

from dataclasses import dataclass

from archive_views.postgres_types import PostgresType

# The digits that a decimal of the query engines can have.
LARGEST_PRECISION = 38
# PostgreSQL's money is a 64-bit number of cents.
MONEY_PRECISION, MONEY_SCALE = 19, 2


@dataclass(frozen=True)
class Target:
    """A type of a view's column."""

    kind: str
    """as stored, integer, bigint, real, double, decimal, uuid, interval, bits, or a kind of
    docs/TYPES.md"""
    precision: int = 0
    """of a decimal; of bits the length"""
    scale: int = 0


AS_STORED = Target("as stored")
TEXT = Target("text")
# Kinds of which the target has the name.
_CONVERTED = frozenset(
    {"date", "time", "timestamp", "timestamptz", "json", "point", "boolean", "binary"}
)
# Of PostgreSQL's numbers.
_NUMBERS = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "oid": "bigint",
    "real": "real",
    "double precision": "double",
}


def target_of(kind: str | None, declared: PostgresType | None) -> Target:
    """Return the type for archived values of a kind.

    `declared` is the type that PostgreSQL's column has, if that is of this kind, and decides what
    texts are. None: it is not known.
    """
    if kind == "text":
        return _of_text(declared)
    if kind == "money":
        return Target("decimal", MONEY_PRECISION, MONEY_SCALE)
    if kind in _CONVERTED:
        return Target(str(kind))
    if kind is not None and kind.startswith("bits_"):
        return Target("bits", int(kind.removeprefix("bits_")))
    if declared is not None and kind in {"integer", "float"}:
        return Target(_NUMBERS[declared.name])
    return TEXT if kind == "geometric" else AS_STORED


def _of_text(declared: PostgresType | None) -> Target:
    if declared is None or declared.is_array:
        return TEXT
    if declared.name in {"uuid", "interval"}:
        return Target(declared.name)
    if declared.name == "numeric" and declared.precision is not None:
        # numeric(5,-2) has no digits after the point, and numeric(3,5) has five.
        scale = max(declared.scale, 0)
        precision = max(declared.precision - min(declared.scale, 0), scale)
        if precision <= LARGEST_PRECISION:
            return Target("decimal", precision, scale)
    return TEXT
