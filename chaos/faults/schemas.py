"""Tables whose columns change while rows are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute
from psycopg import sql

from chaos.fault import Fault
from chaos.pipeline import Pipeline
from workload.source import wal_position

ADDED = "added_by_chaos"
# Its values are the database's default, so that the load goes on whatever its type is.
TABLE, CHANGED = "public.users", "created_at"
CHANGED_TO_TEXT = f"{CHANGED}__text"
# Debezium's __op of a change that has no values.
TRUNCATE = "t"
# No WAL position is higher: only the archive's columns are asked for.
AFTER_ALL = 2**62


@dataclass
class Compatible(Fault):
    """A column is added with a default, and an integer becomes a bigint."""

    # PostgreSQL shows the default in rows of before, without a change that could be archived.
    ignores: Mapping[str, str] = field(default_factory=lambda: {"public.products": ADDED})
    _since: int = field(default=0, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        with pipeline.answering_database() as connection:
            connection.execute(
                sql.SQL(
                    "ALTER TABLE public.products ADD COLUMN {} integer NOT NULL DEFAULT 7"
                ).format(sql.Identifier(ADDED))
            )
            connection.execute("ALTER TABLE public.order_items ALTER COLUMN quantity TYPE bigint")
            self._since = wal_position(connection)

    def check(self, pipeline: Pipeline) -> list[str]:
        """Check that rows written since then have the new column with its value."""
        products = pipeline.archive.changes("public.products", since_lsn=self._since)
        if ADDED not in products.column_names:
            return [f"the column {ADDED} is not in the archive"]
        complaints = []
        values = set(products.column(ADDED).to_pylist())
        if values != {7}:
            complaints.append(f"{ADDED} has {sorted(map(str, values))} instead of 7")
        items = pipeline.archive.changes(
            "public.order_items", since_lsn=self._since, columns=("quantity",)
        )
        if items.schema.field("quantity").type != pa.int64():
            complaints.append("order_items.quantity has not become a bigint in the archive")
        return complaints

    def restore(self, pipeline: Pipeline) -> None:
        with pipeline.answering_database() as connection:
            connection.execute(
                sql.SQL("ALTER TABLE public.products DROP COLUMN IF EXISTS {}").format(
                    sql.Identifier(ADDED)
                )
            )
            connection.execute("ALTER TABLE public.order_items ALTER COLUMN quantity TYPE integer")


@dataclass
class Incompatible(Fault):
    """A timestamp becomes text: a column of the archive cannot hold both."""

    ignores: Mapping[str, str] = field(default_factory=lambda: {TABLE: CHANGED})
    _changed: bool = field(default=False, repr=False)

    def inject(self, pipeline: Pipeline) -> None:
        self._changed = True
        _alter(
            pipeline,
            "ALTER {column} DROP DEFAULT, ALTER {column} TYPE text USING {column}::text,"
            " ALTER {column} SET DEFAULT now()::timestamp::text",
        )

    def check(self, pipeline: Pipeline) -> list[str]:
        """Check that each change has its value in one of the two columns."""
        names = pipeline.archive.changes(TABLE, since_lsn=AFTER_ALL).column_names
        if CHANGED_TO_TEXT not in names:
            return [f"the archive has no column {CHANGED_TO_TEXT}"]
        rows = pipeline.archive.changes(TABLE, columns=(CHANGED, CHANGED_TO_TEXT, "__op"))
        rows = rows.filter(pyarrow.compute.not_equal(rows.column("__op"), TRUNCATE))
        alone = pa.compute.xor(
            pa.compute.is_valid(rows.column(CHANGED)),
            pa.compute.is_valid(rows.column(CHANGED_TO_TEXT)),
        )
        wrong = pa.compute.sum(pa.compute.invert(alone)).as_py() or 0
        return [f"{wrong} changes have {CHANGED} in none or both of its columns"] if wrong else []

    def restore(self, pipeline: Pipeline) -> None:
        if not self._changed:
            return
        _alter(
            pipeline,
            "ALTER {column} DROP DEFAULT, ALTER {column} TYPE timestamp USING {column}::timestamp,"
            " ALTER {column} SET DEFAULT now()",
        )
        self._changed = False


def _alter(pipeline: Pipeline, changes: str) -> None:
    schema, _, table = TABLE.partition(".")
    statement = sql.SQL("ALTER TABLE {table} " + changes).format(
        table=sql.Identifier(schema, table), column=sql.Identifier(CHANGED)
    )
    with pipeline.answering_database() as connection:
        connection.execute(statement)
