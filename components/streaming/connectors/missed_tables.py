"""The tables that a source connector must read again, and the record that it has."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from components.streaming.connectors.added_tables import TablesToRead, captured_tables
from components.streaming.connectors.slot import DatabasePod


def missed_tables(olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the connector's tables of which the archive missed something: they are read again.

    An existing database's are kept by the time at which each was missed, which a connector that has
    read it knows.
    """
    before, missed = (((props.get("captured") or {}).get("missed", ())) for props in (olds, news))
    if isinstance(missed, Mapping):
        known = before if isinstance(before, Mapping) else {}
        missed = [table for table, time in missed.items() if known.get(table) != time]
    wanted = frozenset(missed)
    return tuple(table for table in captured_tables(news["config"]) if table in wanted)


def to_read(props: Mapping[str, Any], tables: Collection[str]) -> TablesToRead:
    """Return tables of the connector with what the database's schema says of them."""
    captured = props.get("captured")
    if not captured:
        return TablesToRead(tuple(tables))
    entries = json.dumps(_entries(props, tables), sort_keys=True)
    return TablesToRead(tuple(tables), int(captured["wal_position"]), entries)


def record_read(props: Mapping[str, Any], tables: Collection[str]) -> None:
    """Record in the database that the archive has these tables, as they were when it was asked.

    The stack's state has the entries of a database that is not the program's.
    Raises PodExecError if the database can't be reached.
    """
    # Slow to import, and not needed where a connector's database is not the stack's.
    from components.source.schema import record_script  # noqa: PLC0415

    entries = _entries(props, tables)
    if not entries or props["captured"].get("kept_in_state"):
        return
    config, access = props["config"], props["access"]
    script = record_script(config["database.dbname"], config["publication.name"], entries)
    port = int(config["database.port"])
    DatabasePod(access.get("context"), access["namespace"], port).run(script)


def _entries(props: Mapping[str, Any], tables: Collection[str]) -> dict[str, Any]:
    known = json.loads((props.get("captured") or {}).get("entries", "{}"))
    return {table: known[table] for table in tables if table in known}
