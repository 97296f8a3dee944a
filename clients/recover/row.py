"""Lets a row that is too large for Kafka pass without its largest values."""

import re
from collections.abc import Mapping

from clients.cluster import Cluster
from clients.connect import Connector, Log, connect_client, connectors, reconfigure
from clients.stack import StackError, StackOutputs
from clients.table_reference import TableReference, chosen_sources
from kafka_connect.client import ConnectClient

# The property of a source connector with the rows that pass.
INCOMPLETE_ROWS = "transforms.limitRowSize.incomplete.rows"
# The command that a failed task's trace names.
COMMAND = "make recover ROW="
DIGEST = re.compile(r"[0-9a-f]{16}")


def let_row_pass(
    outputs: StackOutputs, row: str, stack: str, log: Log, source: str | None = None
) -> str:
    """Let the source archive the row that stops it; return what the user must still do.

    The row arrives with NULL in its largest columns, whose names are in its column __lost. The
    same holds for later changes of the row while the connector's configuration lists it.

    Raises StackError if the row does not stop a connector of one database, or if it fails again.
    """
    chosen, row = _parse(row, source)
    stopped = _stopped_by(outputs, row, chosen)
    if not stopped:
        raise StackError(
            f"no source connector has failed because of the row {row}; bin/datapipe status shows"
            " what stops one. Where `up` failed while it read an added table, put the row into the"
            f" stack file: {_entry(stack, outputs if chosen is None else outputs.of(chosen), row)}"
        )
    if len(stopped) > 1:
        raise StackError(
            f"the row {row} stops the connectors of {' and '.join(stopped)}; choose one with"
            f" SOURCE={next(iter(stopped))} or --source"
        )
    [(name, connectors)] = stopped.items()
    client = connect_client(outputs)
    for connector in connectors:
        _let_pass(client, connector, row, log)
    return (
        f"{row} is archived without its largest values; its column __lost names them.\n"
        "To let later changes of this row pass too, after the next change of the connector's"
        f" settings, put it into the stack file: {_entry(stack, outputs.of(name), row)}"
    )


def _parse(row: str, source: str | None) -> tuple[str | None, str]:
    """Return the source that a row's name or the user has, and the name without it."""
    table, _, digest = row.rpartition("/")
    if not table or not DIGEST.fullmatch(digest):
        raise StackError(
            f"{row!r} is not a valid row; allowed: schema.table/ and 16 hexadecimal digits, as the"
            " source's failure names it"
        )
    reference = TableReference.parse(table, source)
    return reference.source, f"{reference.table}/{digest}"


def _stopped_by(outputs: StackOutputs, row: str, source: str | None) -> dict[str, list[str]]:
    """Return the connectors that have failed because of a row, by the name of their database."""
    failed = {
        each.name
        for each in connectors(Cluster(outputs), outputs.connect)
        if each.kind == "source" and is_stopped_by(each, row)
    }
    found = {
        own.source: [name for name in own.source_connectors if name in failed]
        for own in chosen_sources(outputs, source)
    }
    return {name: stopped for name, stopped in found.items() if stopped}


def _entry(stack: str, outputs: StackOutputs, row: str) -> str:
    """Return where a stack file lists a row."""
    section = "source" if outputs.managed else f"sources.{outputs.source}"
    return f"datapipe:{section}.incompleteRows: [{row}] in Pulumi.{stack}.yaml"


def is_stopped_by(connector: Connector, row: str) -> bool:
    """Return whether the connector or a task of it has failed because of the row."""
    traces = (connector.trace, *(task.trace for task in connector.tasks))
    return any(f"{COMMAND}{row}" in trace for trace in traces)


def with_row(config: Mapping[str, str], row: str) -> dict[str, str]:
    """Return a source connector's configuration that lists the row."""
    listed = [each for each in config.get(INCOMPLETE_ROWS, "").split(",") if each]
    return {**config, INCOMPLETE_ROWS: ",".join([*listed, *([row] if row not in listed else [])])}


def _let_pass(client: ConnectClient, name: str, row: str, log: Log) -> None:
    log(f"{name} now archives {row} without its largest values")
    reconfigure(client, name, with_row(client.config(name), row), log)
