"""Reading the archive back: the changes of a table, as Arrow, from either sink's Parquet."""

from contextlib import suppress
from typing import Protocol

import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from clients.stack import ArchiveOutput

TOPIC_PREFIX = "postgres"
"""Debezium's topic.prefix (design); a table's topic is postgres.<schema>.<table>."""

NOTHING_YET = pa.table(
    {
        "__op": pa.array([], pa.string()),
        "__source_lsn": pa.array([], pa.int64()),
        "__source_ts_ms": pa.array([], pa.int64()),
        "__deleted": pa.array([], pa.string()),
    }
)
"""What an archive answers for a table of which no change has arrived."""


class Archive(Protocol):
    """An archive of changes, one row per change.

    Beside the source table's columns a row has __op (c, u, d, or r for the snapshot),
    __source_lsn, __source_ts_ms and __deleted ("true" or "false").
    """

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """The changes of schema.table that are readable now, from a WAL position on.

        `columns` are those that are read; None: all.
        """

    def location(self, table: str) -> str:
        """The S3 address below which the table's Parquet files lie."""


def open_archive(output: ArchiveOutput) -> Archive:
    """The archive of a stack; credentials come from the environment as for any AWS tool."""
    return IcebergArchive(output) if output.sink == "iceberg" else FileArchive(output)


class IcebergArchive:
    """Apache Iceberg tables in the Glue catalog. The sink makes a table at its first change."""

    def __init__(self, output: ArchiveOutput) -> None:
        self._database = output.catalog_database
        self._catalog = _glue_catalog(output)
        self._warehouse = f"s3://{output.bucket}/{output.prefix}"

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """See Archive; only data files that can hold such positions are read."""
        found = self.find(table)
        if found is None:
            return NOTHING_YET
        selected = columns or ("*",)
        return found.scan(f"__source_lsn >= {since_lsn}", selected_fields=selected).to_arrow()

    def location(self, table: str) -> str:
        """See Archive."""
        found = self.find(table)
        return f"{found.location()}/data/" if found else f"{self._warehouse}/ (no table yet)"

    def find(self, table: str) -> Table | None:
        """The Iceberg table of schema.table; None until the sink has made it."""
        try:
            return self._catalog.load_table((self._database, iceberg_name(table)))
        except NoSuchTableError:
            return None

    def purge(self, table: str) -> None:
        """Drop the Iceberg table of schema.table with its files; harmless where there is none."""
        with suppress(NoSuchTableError):
            self._catalog.purge_table((self._database, iceberg_name(table)))


def iceberg_name(table: str) -> str:
    """The Iceberg table of schema.table; the schema is part of its name unless it is public."""
    schema, _, name = table.partition(".")
    return name if schema == "public" else f"{schema}_{name}"


def _glue_catalog(output: ArchiveOutput) -> Catalog:
    properties = {
        "type": "glue",
        "glue.region": output.region,
        "s3.region": output.region,
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }
    if output.endpoint:
        properties |= {"glue.endpoint": output.endpoint, "s3.endpoint": output.endpoint}
    return load_catalog("glue", **properties)


class FileArchive:
    """Plain Parquet files of the Confluent S3 sink, in folders year=/month=/day=/hour=."""

    def __init__(self, output: ArchiveOutput) -> None:
        self._root = f"{output.bucket}/{output.prefix}"
        self._files = pyarrow.fs.S3FileSystem(
            region=output.region, endpoint_override=output.endpoint
        )

    def changes(
        self, table: str, since_lsn: int = 0, columns: tuple[str, ...] | None = None
    ) -> pa.Table:
        """See Archive; files of different age may have different columns."""
        try:
            files = pyarrow.dataset.dataset(
                self._folder(table), format="parquet", filesystem=self._files
            )
        except FileNotFoundError:
            return NOTHING_YET
        schemas = [part.physical_schema for part in files.get_fragments()]
        if not schemas:
            return NOTHING_YET
        everything = files.replace_schema(pa.unify_schemas(schemas, promote_options="permissive"))
        since = pyarrow.dataset.field("__source_lsn") >= since_lsn
        return everything.to_table(columns=list(columns) if columns else None, filter=since)

    def location(self, table: str) -> str:
        """See Archive."""
        return f"s3://{self._folder(table)}/"

    def _folder(self, table: str) -> str:
        return f"{self._root}/{TOPIC_PREFIX}.{table}"
