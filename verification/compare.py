"""Compares tables with their archive."""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import psycopg

from clients.database import Row
from clients.stack import StackError
from verification.archive_state import ArchiveState
from verification.archived_rows import ArchivedColumns
from verification.compared_table import ComparedTable
from verification.database import prepare_session
from verification.details import Details, inspect
from verification.explanations import explain
from verification.keyed_comparison import KeyedComparison
from verification.keyless_comparison import KeylessComparison
from verification.options import Log, NotReachedError, Options
from verification.pipeline import Pipeline
from verification.result import Kind, TableResult
from verification.source_table import NotComparableError, SourceTable, describe
from verification.working_database import working_database


def compare_all(
    pipeline: Pipeline, tables: Collection[str], options: Options, log: Log
) -> Iterator[TableResult]:
    """Compare one table after the other; a table that can't be compared does not end the run.

    Raises StackError if the database can't be reached.
    """
    with pipeline.connect() as connection:
        prepare_session(connection, options.statement_seconds)
        for table in tables:
            began = time.monotonic()
            try:
                result = compare(connection, pipeline, table, options, log)
            except (NotComparableError, NotReachedError, StackError) as error:
                result = TableResult(table, error=str(error))
            except psycopg.Error as error:
                result = TableResult(table, error=_without_position(error))
            yield replace(result, seconds=round(time.monotonic() - began, 1))


def compare(
    connection: psycopg.Connection[Row], pipeline: Pipeline, name: str, options: Options, log: Log
) -> TableResult:
    """Compare a table.

    Raises NotComparableError or NotReachedError if that is not possible, psycopg's errors if
    PostgreSQL refuses.
    """
    table = describe(connection, name, pipeline.excluded.get(name, ()))
    if not table.key and options.selects_keys:
        raise NotComparableError("it has no primary key by which changed rows could be selected")
    if not table.key:
        options = replace(options, sample=Options().sample)
    with working_database() as database:
        buckets = options.buckets(table.estimate)
        state = ArchiveState(database, pipeline.archive, table, buckets, options.from_lsn)
        compared = ComparedTable(connection, table, state, pipeline.position, options, log)
        if table.key:
            keyed = KeyedComparison(compared)
            keyed.run()
            result = _counted(table, keyed.rows, keyed.counts(), keyed.unsettled)
            if result.differs:
                log(f"{name}: looking for the columns that differ")
                details = inspect(connection, database, pipeline.archive, table)
                result = _with_details(result, details)
        else:
            keyless = KeylessComparison(compared)
            keyless.run()
            result = _counted(table, keyless.rows, keyless.counts(), 0)
            if keyless.updates:
                result = replace(result, notes=(*result.notes, _of_updates(keyless.updates)))
        notes = [*result.notes, *_notes(table, state.columns, options)]
        explanations = explain(connection, database, table, result) if result.differs else ()
        return replace(result, notes=tuple(notes), explanations=tuple(explanations))


def _counted(
    table: SourceTable, rows: int, counts: Mapping[Kind, int], unsettled: int
) -> TableResult:
    missing, different = counts[Kind.MISSING], counts[Kind.DIFFERENT]
    return TableResult(
        table.name,
        rows=rows,
        equal=max(0, rows - missing - different - unsettled),
        missing=missing,
        extra=counts[Kind.EXTRA],
        different=different,
        unsettled=unsettled,
    )


def _with_details(result: TableResult, details: Details) -> TableResult:
    ordered = sorted(details.columns.items(), key=lambda item: (-item[1], item[0]))
    return replace(
        result,
        columns=dict(ordered),
        inspected=details.inspected,
        examples=details.examples(),
    )


def _of_updates(updates: int) -> str:
    return (
        f"it has no primary key, and {updates:,} updates are archived without the old row:"
        " compared is which rows exist and how many, not which row became which"
    )


def _notes(table: SourceTable, columns: ArchivedColumns, options: Options) -> Iterator[str]:
    """Yield what was not compared."""
    if table.excluded:
        yield f"not captured: {', '.join(table.excluded)} (excludedColumns)"
    if table.not_comparable:
        yield f"not compared, as their type is not known: {', '.join(table.not_comparable)}"
    if columns.archived and columns.absent:
        yield f"not in the archive, compared as NULL: {', '.join(columns.absent)}"
    surplus = [name for name in columns.surplus if name not in table.excluded]
    if surplus:
        yield f"only in the archive, not compared: {', '.join(surplus)}"
    if options.selects_keys:
        yield (
            "compared are rows with an archived change since then; a row whose change never"
            " reached the archive is not among them"
        )


def _without_position(error: psycopg.Error) -> str:
    """Return the first line of PostgreSQL's message; the others repeat the query."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
