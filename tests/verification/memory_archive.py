"""An archive in memory, and changes as the pipeline archives them."""

import base64
import json
from ast import literal_eval
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from verification.archived_table import LOST

CATALOG = json.loads((Path(__file__).parents[2] / "docs/types.json").read_text())
# The archive's types, as docs/types.json calls them.
ARROW = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "binary": pa.binary(),
    "text": pa.string(),
    "struct": pa.struct(
        [("x", pa.float64()), ("y", pa.float64()), ("wkb", pa.binary()), ("srid", pa.int32())]
    ),
}
CHANGE_COLUMNS = {
    "__op": pa.string(),
    "__deleted": pa.string(),
    "__source_lsn": pa.int64(),
    "__source_ts_ms": pa.int64(),
}


# How the archive's values are read from docs/types.json.
READ: Mapping[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "True",
    "int": int,
    "bigint": int,
    "float": float,
    "double": float,
    "binary": base64.b64decode,
    "struct": lambda text: _point(literal_eval(text)),
    "text": str,
}


def archived_value(kind: str, text: str | None) -> Any:
    """Return a value of docs/types.json as the archive holds it."""
    return None if text is None else READ[kind](text)


def _point(value: dict[str, Any]) -> dict[str, Any]:
    numbers = {"x": float(value["x"]), "y": float(value["y"])}
    return {**value, **numbers, "wkb": base64.b64decode(value["wkb"])}


@dataclass
class MemoryTable:
    """A table of an archive in memory; each addition is a file."""

    kinds: Mapping[str, pa.DataType]
    files: dict[str, pa.Table] = field(default_factory=dict)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """further columns of a column"""

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        variants = {name for names in self.variants.values() for name in names}
        return {
            name: (name, *self.variants.get(name, ()))
            for name in self.kinds
            if name not in variants and name != LOST
        }

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.files)

    def chunks(self, paths: Collection[str], columns: Collection[str] | None) -> Iterator[pa.Table]:
        for path in sorted(paths):
            rows = self.files[path]
            names = [name for name in rows.column_names if columns is None or name in columns]
            yield rows.select(names)

    def add(self, operation: str, rows: Iterable[Mapping[str, Any]], lsn: int = 1) -> None:
        """Archive changes, one WAL position each from `lsn` on; of a first read all have one."""
        records = []
        for number, row in enumerate(rows):
            at = lsn if operation == "r" else lsn + number
            records.append(
                {
                    **row,
                    "__op": operation,
                    "__deleted": str(operation == "d").lower(),
                    "__source_lsn": at,
                    "__source_ts_ms": at,
                }
            )
        schema = pa.schema({**self.kinds, **CHANGE_COLUMNS})
        self.files[f"{len(self.files):09}"] = pa.Table.from_pylist(records, schema=schema)


@dataclass
class KnownPosition:
    """A position that the archive has passed after a number of questions."""

    after: int = 0
    asked: list[int] = field(default_factory=list)

    def passed(self, table: str, lsn: int) -> bool:
        assert table
        self.asked.append(lsn)
        return len(self.asked) > self.after

    def describe(self) -> str:
        return "the test's archive is late"
