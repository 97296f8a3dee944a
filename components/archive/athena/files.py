"""Tables over the Parquet files of Confluent's sink, in Glue.

Each captured table has two. NAME_files has every file, by which the views see every row. NAME_hours
has the same files in partitions by the hour of their folder, which Athena derives from the query
(partition projection): a query of a span of time reads only its folders, but without a condition on
the year Athena would list the folders of all years.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import pulumi
import pulumi_aws as aws

from archive_views.postgres_types import PostgresType
from components.archive.athena.queried_source import (
    ALL_SUFFIX,
    HOURS_SUFFIX,
    Columns,
    QueriedSource,
)
from components.config.tables import iceberg_table_of

# The years of the projection; this program wrote nothing before.
FIRST_YEAR, LAST_YEAR = 2026, 2099
# The units of the sink's folders, with their range and digits.
UNITS = {
    "year": (FIRST_YEAR, LAST_YEAR, 4),
    "month": (1, 12, 2),
    "day": (1, 31, 2),
    "hour": (0, 23, 2),
}
# Hive's types of the files' columns, by the kind of their values.
HIVE_TYPES = {
    "boolean": "boolean",
    "binary": "binary",
    "date": "int",
    "time": "bigint",
    "timestamp": "bigint",
    "point": "struct<x:double,y:double,wkb:binary,srid:int>",
}
# By PostgreSQL's type, where the kind has files of more than one type.
HIVE_TYPES_BY_NAME = {"bigint": "bigint", "oid": "bigint", "real": "float"}
HIVE_DEFAULTS = {"integer": "int", "float": "double"}
CHANGE_COLUMNS = {
    "__op": "string",
    "__deleted": "string",
    "__ts_ms": "bigint",
    "__source_ts_ms": "bigint",
    "__source_lsn": "bigint",
}
PARAMETERS = {"EXTERNAL": "TRUE", "classification": "parquet"}
SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
FORMATS = "org.apache.hadoop.hive.ql.io.parquet.MapredParquet"


def hive_type(type_text: str) -> str:
    """Return Hive's type of the Parquet column for a type as format_type() prints it."""
    type_ = PostgresType.parse(type_text)
    kind = type_.kind
    if kind.startswith("bits_"):
        return "binary"
    if kind in HIVE_DEFAULTS:
        return HIVE_TYPES_BY_NAME.get(type_.name, HIVE_DEFAULTS[kind])
    return HIVE_TYPES.get(kind, "string")


def hive_columns(declared: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return the columns of a table over the files, given PostgreSQL's names and types."""
    own = {name: hive_type(type_) for name, type_ in declared}
    return [{"name": name, "type": type_} for name, type_ in {**own, **CHANGE_COLUMNS}.items()]


def partition_keys(columns: Iterable[str]) -> dict[str, str]:
    """Return the name of each unit's partition key, which must not be that of a column."""
    taken = {name.lower() for name in columns}
    names = {}
    for unit in UNITS:
        name = f"archived_{unit}"
        while name in taken:
            name += "_"
        names[unit] = name
    return names


def projection(location: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Return the table properties by which Athena derives the partitions."""
    properties = {"projection.enabled": "true"}
    for unit, (least, most, digits) in UNITS.items():
        prefix = f"projection.{keys[unit]}"
        properties |= {
            f"{prefix}.type": "integer",
            f"{prefix}.range": f"{least},{most}",
            f"{prefix}.digits": str(digits),
        }
    folders = "/".join(f"{unit}=${{{keys[unit]}}}" for unit in UNITS)
    return {**properties, "storage.location.template": f"{location}{folders}/"}


def declare_file_tables(
    source: QueriedSource,
    table: str,
    location: str,
    database: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Declare both tables over the files of schema.table; `location` ends in a slash."""
    name = iceberg_table_of(table)
    declared = source.columns.apply(partial(_pairs_of, table))
    columns = declared.apply(hive_columns)
    keys = declared.apply(lambda known: partition_keys(column for column, _ in known))
    partitioned = {
        "parameters": keys.apply(lambda known: PARAMETERS | projection(location, known)),
        "partition_keys": keys.apply(
            lambda known: [{"name": key, "type": "int"} for key in known.values()]
        ),
    }
    for suffix, properties in (
        (ALL_SUFFIX, {"parameters": PARAMETERS}),
        (HOURS_SUFFIX, partitioned),
    ):
        aws.glue.CatalogTable(
            source.database.qualified(f"{name}{suffix}"),
            name=f"{name}{suffix}",
            database_name=database,
            table_type="EXTERNAL_TABLE",
            storage_descriptor={
                "location": location,
                "columns": columns,
                "input_format": f"{FORMATS}InputFormat",
                "output_format": f"{FORMATS}OutputFormat",
                "ser_de_info": {"serialization_library": SERDE},
            },
            opts=opts,
            **properties,
        )


def _pairs_of(table: str, columns: Columns) -> list[tuple[str, str]]:
    return [(name, type_) for name, type_ in columns.get(table, ())]
