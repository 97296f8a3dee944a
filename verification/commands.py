"""The command `datapipe verify`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import psycopg
from confluent_kafka import KafkaException

from clients import database
from clients.archive import open_archive
from clients.console import console
from clients.dlq.replay import GROUP as REPLAY_GROUP
from clients.stack import StackError, StackOutputs, read_outputs
from clients.status.unknown import on_one_line
from clients.table_reference import chosen_tables, qualified
from clients.topics import GroupReader
from verification.archived_table import open_table
from verification.compare import compare_all
from verification.options import Log, Options
from verification.pipeline import Pipeline
from verification.pipeline_position import PipelinePosition
from verification.report import as_json, print_results
from verification.result import TableResult

EQUAL, DIFFERENCES, NOT_COMPARED = 0, 1, 2


def pipeline_of(outputs: StackOutputs) -> Pipeline:
    """Return a stack's pipeline; AWS credentials come from the environment."""
    return Pipeline(
        connect=lambda: database.connect(outputs),
        archive=partial(open_table, open_archive(outputs.archive)),
        position=PipelinePosition(outputs, lambda: database.connect(outputs)),
        excluded=outputs.excluded_columns,
    )


def verify(
    stack: str,
    tables: Sequence[str],
    options: Options,
    *,
    source: str | None = None,
    log: Log,
    show_values: bool = False,
    print_json: bool = False,
) -> int:
    """Compare tables of a stack with its archive, all captured ones by default; print the result.

    Return the exit code. A database that can't be reached hides no other. Raises StackError if the
    stack can't be used, or the only database that is to be compared.
    """
    outputs = read_outputs(stack)
    chosen = chosen_tables(outputs, tables, source)
    if len(chosen) == 1:
        [(own, names)] = chosen
        results = list(_compared(own, names, options, log))
    else:
        if options.from_lsn:
            raise StackError(
                "--from-lsn is a position in the WAL of one database; choose it with SOURCE= or"
                f" --source ({', '.join(own.source for own, _ in chosen)})"
            )
        results = [
            result
            for own, names in chosen
            for result in _compared_if_reached(own, names, options, log)
        ]
    if any(result.differs for result in results):
        results = _with_dead_letters(outputs, results)
    if print_json:
        print(as_json(results, show_values))
    else:
        print_results(console(), results, show_values)
    return exit_code(results)


def _compared(
    outputs: StackOutputs, tables: Sequence[str], options: Options, log: Log
) -> Iterator[TableResult]:
    """Compare tables of one database. Raises StackError if it can't be reached."""

    def log_source(message: str) -> None:
        log(qualified(outputs, message))  # each begins with the table's name

    for result in compare_all(pipeline_of(outputs), tables, options, log_source):
        yield replace(result, table=qualified(outputs, result.table))


def _compared_if_reached(
    outputs: StackOutputs, tables: Sequence[str], options: Options, log: Log
) -> Iterator[TableResult]:
    """Compare tables of one database; those that it does not answer for have its error."""
    compared = 0
    try:
        for result in _compared(outputs, tables, options, log):
            compared += 1
            yield result
    except (StackError, psycopg.Error) as error:
        reason = on_one_line(error)
        for table in tables[compared:]:
            yield TableResult(qualified(outputs, table), error=reason)


def _with_dead_letters(outputs: StackOutputs, results: Sequence[TableResult]) -> list[TableResult]:
    """Add to the results that differ what the dead letter topic has to do with it."""
    try:
        with GroupReader(outputs.kafka, REPLAY_GROUP) as reader:
            pending = sum(each.lag for each in reader.topics([outputs.dead_letter_topics.sink]))
    except KafkaException as error:
        reason = f"the dead letters could not be counted: {error}"
    else:
        if not pending:
            return list(results)
        reason = f"{pending:,} dead letters are not archived; bin/datapipe dlq list shows them"
    return [
        replace(result, explanations=(*result.explanations, reason)) if result.differs else result
        for result in results
    ]


def exit_code(results: Sequence[TableResult]) -> int:
    """Return the exit code; a difference is worse than a table that could not be compared."""
    if any(result.differs for result in results):
        return DIFFERENCES
    return EQUAL if all(result.is_compared for result in results) else NOT_COMPARED
