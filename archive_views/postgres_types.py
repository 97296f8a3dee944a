"""PostgreSQL's types as format_type() prints them, and how the archive holds their values."""

import re
from dataclasses import dataclass

# The kind of the archived values (docs/TYPES.md) of each type that is not text as PostgreSQL
# writes it.
_KINDS = {
    **dict.fromkeys(("smallint", "integer", "bigint", "oid"), "integer"),
    **dict.fromkeys(("real", "double precision"), "float"),
    **dict.fromkeys(("json", "jsonb", "hstore"), "json"),
    **dict.fromkeys(("line", "lseg", "box", "path", "polygon", "circle"), "geometric"),
    "boolean": "boolean",
    "bytea": "binary",
    "date": "date",
    "time without time zone": "time",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "money": "money",
    "point": "point",
}
_PRECISION = re.compile(r"\((-?\d+)(?:,(-?\d+))?\)")


@dataclass(frozen=True)
class PostgresType:
    """A type of PostgreSQL."""

    name: str
    """without precision and length"""
    precision: int | None = None
    """or length"""
    scale: int = 0
    is_array: bool = False

    @classmethod
    def parse(cls, text: str) -> "PostgresType":
        """Return the type that format_type() prints like this."""
        is_array = text.endswith("[]")
        found = _PRECISION.search(text)
        name = _PRECISION.sub("", text.removesuffix("[]"), count=1)
        if found is None:
            return cls(name, is_array=is_array)
        return cls(name, int(found[1]), int(found[2] or 0), is_array)

    @property
    def kind(self) -> str:
        """The kind of its values in the archive."""
        if self.is_array:
            return "text"
        if self.name == "bit":
            return "boolean" if self.precision in {None, 1} else f"bits_{self.precision}"
        # An extension may be in a schema that is not on the path.
        return "json" if self.name.endswith(".hstore") else _KINDS.get(self.name, "text")
