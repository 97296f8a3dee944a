"""The captured databases of a stack, as a session shows them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from archive_views.table import SourceDatabase
from clients.archive import open_archive
from clients.described_tables import DescribedTable, described_tables
from clients.sql.files import ArchivedFiles, archived_files
from clients.stack import StackOutputs
from clients.table_reference import chosen_sources

# Schemas and databases that a session of DuckDB has itself.
TAKEN_SCHEMAS = frozenset({"information_schema", "main", "memory", "pg_catalog", "system", "temp"})

OpenFiles = Callable[[str], ArchivedFiles | None]
Log = Callable[[str], None]


@dataclass(frozen=True)
class ArchivedSource:
    """A captured database and its archive.

    Its views are in PostgreSQL's schemas, in one schema of the source's name, or in both.
    """

    origin: SourceDatabase
    tables: Mapping[str, DescribedTable]
    """by schema.table"""
    open_files: OpenFiles
    in_own_schemas: bool
    """whether its views are in the schemas of PostgreSQL's"""
    schema: str | None
    """the one of the source's name; None: it has none"""


def archived_sources(
    outputs: StackOutputs, log: Log, chosen: str | None = None
) -> list[ArchivedSource]:
    """Return the stack's sources, or the chosen one; their names are the same in both cases.

    Raises StackError if the stack has no source of this name.
    """
    sources = list(outputs.each())
    # Their names must not depend on which others the stack captures.
    own = [one for one in sources if one.object_names == "short"]
    taken = TAKEN_SCHEMAS.union(table.partition(".")[0] for one in own for table in one.tables)
    selected = chosen_sources(outputs, chosen)

    def of_source(one: StackOutputs) -> ArchivedSource:
        note = log if len(sources) == 1 else partial(_note_on, log, one.source)
        schema = _schema_of(one, taken)
        if schema not in {None, one.source}:
            note(f"its views are in the schema {schema}, as {one.source} is another schema here")
        return ArchivedSource(
            SourceDatabase(one.source, one.database.name),
            described_tables(one, note),
            partial(archived_files, open_archive(one.archive)),
            one.object_names == "short",
            schema,
        )

    with ThreadPoolExecutor(len(selected)) as readers:
        return list(readers.map(of_source, selected))


def _schema_of(source: StackOutputs, taken: frozenset[str]) -> str | None:
    """Return the schema of a source's name, with underscores at its end where that is taken.

    One in PostgreSQL's own schemas needs none, but an existing database has both if it can: then
    a query with the source's name is right whichever others the stack captures.
    """
    if source.object_names == "short":
        return None if source.managed or source.source in taken else source.source
    schema, others = source.source, set(source.source_names) - {source.source}
    while schema in taken or schema in others:
        schema += "_"
    return schema


def _note_on(log: Log, source: str, message: str) -> None:
    log(f"{source}: {message}")
