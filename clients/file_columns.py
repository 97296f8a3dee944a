"""Which columns the Parquet files of a table have together, where a column's type has changed.

Values of one kind share a column, as in an Iceberg archive (clients/column_kinds.py): the oldest
files' kind has the column's name, another one a column NAME__KIND. Integers of all sizes are one
kind, and so are both floating point types.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

# The Avro schema with the names of Connect's types, which Confluent's sink writes into each file.
AVRO_SCHEMA = b"parquet.avro.schema"
NAME_OF_TYPE = "connect.name"
PARAMETERS = "connect.parameters"
BITS = "io.debezium.data.Bits"
# Of the other types, by their names.
KINDS = {
    "io.debezium.time.Date": "date",
    "io.debezium.time.MicroTime": "time",
    "io.debezium.time.MicroTimestamp": "timestamp",
    "io.debezium.time.ZonedTimestamp": "timestamptz",
    "io.debezium.data.Json": "json",
    "datapipe.postgres.Money": "money",
    "datapipe.postgres.Geometric": "geometric",
    "io.debezium.data.geometry.Point": "point",
}


@dataclass(frozen=True)
class FileColumns:
    """How a file's columns become those of the whole table."""

    renamed: Mapping[str, str]
    """the table's column for each of the file's"""
    schema: pa.Schema
    """of the whole table"""
    sources: Mapping[str, tuple[str, str]]
    """for each column of the whole table the files' own name and the kind of the values"""

    def of_file(self, wanted: Iterable[str] | None) -> list[str]:
        """Return the columns to read from the file; None: all."""
        if wanted is None:
            return list(self.renamed)
        names = set(wanted)
        return [column for column, name in self.renamed.items() if name in names]

    def as_table(self, read: pa.Table, wanted: Iterable[str] | None) -> pa.Table:
        """Return what was read from the file with the table's columns; NULL in those it lacks."""
        by_name = {self.renamed[column]: read[column] for column in read.column_names}
        names = self.schema.names if wanted is None else list(wanted)
        fields = [self.schema.field(name) for name in names]
        arrays = [
            by_name[field.name].cast(field.type)
            if field.name in by_name
            else pa.nulls(read.num_rows, field.type)
            for field in fields
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def table_columns(files: Iterable[pa.Schema]) -> list[FileColumns]:
    """Return the columns of each file, given the files' schemas, the oldest first."""
    schemas = list(files)
    originals = {name for schema in schemas for name in schema.names}
    names: dict[tuple[str, str], str] = {}
    types: dict[str, pa.DataType] = {}
    renamed: list[dict[str, str]] = []
    for schema in schemas:
        kinds = _named_kinds(schema)
        renamed.append({})
        for field in schema:
            kind = kinds.get(field.name) or _kind(field.type)
            known = names.get((field.name, kind))
            name = known or _free_name(field.name, kind, taken=set(types), originals=originals)
            names[field.name, kind] = name
            types[name] = _wider(types.get(name), field.type)
            renamed[-1][field.name] = name
    whole = pa.schema(list(types.items()))
    sources = {name: source for source, name in names.items()}
    return [FileColumns(each, whole, sources) for each in renamed]


def _free_name(column: str, kind: str, taken: set[str], originals: set[str]) -> str:
    """Return the column's own name, or NAME__KIND if another kind has that."""
    if column not in taken:
        return column
    used = {name.lower() for name in taken | originals}
    name = variant = f"{column}__{kind}"
    number = 1
    while name.lower() in used:
        number += 1
        name = f"{variant}_{number}"
    return name


def _named_kinds(schema: pa.Schema) -> dict[str, str]:
    """Return the kinds of the columns whose type has a name, by the file's metadata."""
    text = (schema.metadata or {}).get(AVRO_SCHEMA)
    if text is None:
        return {}
    found: dict[str, str] = {}
    for field in json.loads(text)["fields"]:
        type_ = _named_type(field["type"])
        name = type_.get(NAME_OF_TYPE)
        if name in KINDS:
            found[field["name"]] = KINDS[name]
        elif name == BITS:
            found[field["name"]] = f"bits_{type_[PARAMETERS]['length']}"
    return found


def _named_type(avro: Any) -> dict[str, Any]:
    """Return an Avro type with the name of Connect's; of a union, the branch that has one."""
    branches = avro if isinstance(avro, list) else [avro]
    complex_types = [branch for branch in branches if isinstance(branch, dict)]
    return next((each for each in complex_types if NAME_OF_TYPE in each), {})


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_):
        return "float"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return "binary"
    if pa.types.is_boolean(type_):
        return "boolean"
    return "".join(letter if letter.isalnum() else "_" for letter in str(type_).lower()).strip("_")


def _wider(known: pa.DataType | None, type_: pa.DataType) -> pa.DataType:
    """Return a type for the values of both, which are of one kind."""
    if known is None or known == type_:
        return type_
    both = [pa.schema([("column", each)]) for each in (known, type_)]
    return pa.unify_schemas(both, promote_options="permissive").field("column").type
