"""Repairs the capture of a database after a failover or a lost slot: its tables are read again."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clients import database
from clients.connect import Log, connect_client, reconfigure, stopped
from clients.recover.damage import SERVER_SETTING, Damage, Server, damages, lsn, server_of
from clients.recover.slot import begin_again
from clients.stack import StackError, StackOutputs, run_pulumi
from clients.update import make_up
from kafka_connect.client import ConnectClient
from kafka_connect.failures import ConnectUnavailableError, UnsettledError
from kafka_connect.positions import shift_of, shifted
from kafka_connect.snapshot import (
    CONTINUOUS_SNAPSHOTTER,
    FIRST_ROWS,
    TRUNCATE_FIRST,
    all_is_read,
    has_read_again,
    truncating_first,
)
from kafka_connect.status import Status, explain
from kafka_connect.transforms import without
from polling import poll_until

SNAPSHOT_SECONDS = 24 * 3600
POLL_SECONDS = 2
REPORT_SECONDS = 30
# A shift is a multiple of it, so that the second half of a position stays readable.
SHIFT_STEP = 2**32


@dataclass(frozen=True)
class Plan:
    """What a recovery does."""

    source: str
    managed: bool
    server: Server
    damages: Sequence[Damage]
    # Added to the server's positions from now on, and what was added before.
    shift: int
    shift_before: int
    # The server that the connectors captured; None where they don't know.
    server_before: str | None
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def changes_server(self) -> bool:
        """Whether the stack file must name the server from now on."""
        other = self.server_before is not None and self.server_before != self.server.name
        return other or self.shift != self.shift_before

    @property
    def key(self) -> str:
        """The key of the stack file that is written then."""
        section = "source" if self.managed else f"sources.{self.source}"
        return f"datapipe:{section}.recovered"

    def __str__(self) -> str:
        lines = [f"{self.source}: to capture it again, its tables must be read again."]
        for damage in self.damages:
            lines += [f"  {damage.connector}: {reason}" for reason in damage.reasons]
            begins = "unknown" if damage.archived is None else lsn(damage.archived)
            lines.append(
                f"    its history lacks the changes between {begins} and"
                f" {lsn(self.server.position + self.shift)} (__source_lsn); its current state will"
                " be that of the database"
            )
            lines.append(f"    the slot {damage.slot} is dropped and created again")
        if self.changes_server:
            lines.append(f"  the stack file gets {self.key}: the server {self.server.name}")
        if self.shift != self.shift_before:
            lines.append(
                f"  positions begin again on this server, so {self.shift} is added to them"
                f" ({self.key}.positionShift)"
            )
        return "\n".join(lines)


def plan(outputs: StackOutputs, client: ConnectClient) -> Plan | None:
    """Return what repairs the database's capture; None where nothing is damaged.

    Raises StackError if the database can't be asked or must be prepared first.
    """
    with database.connect(outputs) as connection:
        server, found = damages(outputs, client, connection)
    if not found:
        return None
    shift_before = max(shift_of(damage.config) for damage in found)
    archived = max((each.archived for each in found if each.archived is not None), default=-1)
    return Plan(
        source=outputs.source,
        managed=outputs.managed,
        server=server,
        damages=found,
        shift=_shift(shift_before, server.position - FIRST_ROWS, archived),
        shift_before=shift_before,
        server_before=found[0].config.get(SERVER_SETTING),
        addresses={}
        if outputs.managed
        else {
            "database.hostname": outputs.database.host,
            "database.port": str(outputs.database.port),
        },
    )


def _shift(before: int, position: int, archived: int) -> int:
    """Return the shift with which a position comes after all that is archived."""
    if position + before > archived:
        return before
    return -(-(archived + 1 - position) // SHIFT_STEP) * SHIFT_STEP


def recover_source(stack: str, outputs: StackOutputs, work: Plan, log: Log) -> None:
    """Carry out a plan. It may be interrupted at any time: the next one goes on with it.

    Raises StackError if Connect, the database or the update at the end refuse.
    """
    client = connect_client(outputs)
    if work.changes_server:
        _write(stack, work, log)
    for damage in work.damages:
        _read_again(outputs, client, damage, work, log)
    if not make_up(stack, log):
        raise StackError(
            f"the tables of {work.source} are read, but make up failed; repair its cause and run it"
            " again"
        )


def _write(stack: str, work: Plan, log: Log) -> None:
    """Write the server into the stack file, which a later update compares with the database's."""
    values = {"server": work.server.name}
    if work.shift:
        values["positionShift"] = str(work.shift)
    for name, value in values.items():
        log(f"Pulumi.{stack}.yaml: {work.key}.{name}: {value}")
        done = run_pulumi(stack, "config", "set", "--path", f"{work.key}.{name}", value)
        if done.returncode != 0:
            raise StackError(f"can't write {work.key} into Pulumi.{stack}.yaml: {done.stderr}")


def _read_again(
    outputs: StackOutputs, client: ConnectClient, damage: Damage, work: Plan, log: Log
) -> None:
    """Read the tables of a connector from a new slot, and leave it as an update expects it."""
    name = damage.connector
    normal = _normal(damage.config, work)
    if not _continues(client, damage):
        with (
            database.connect(outputs) as connection,
            stopped(client, name, log, start_after_error=False),
        ):
            complete_from = server_of(connection).position
            snapshot = truncating_first(normal, complete_from)
            begin_again(client, connection, name, snapshot, log)
        log(f"{name}: the tables are read again, from __source_lsn {complete_from + work.shift} on")
    _wait_until_read(client, name, log)
    reconfigure(client, name, normal, log)


def _continues(client: ConnectClient, damage: Damage) -> bool:
    """Return whether an interrupted recovery reads the tables, and nothing else is wrong."""
    offsets = client.offsets(damage.connector)
    reading = bool(offsets) and (not all_is_read(offsets) or has_read_again(damage.config, offsets))
    return damage.begun and len(damage.reasons) == 1 and reading


def _normal(config: Mapping[str, str], work: Plan) -> dict[str, str]:
    """Return the configuration of a connector after its recovery."""
    normal = {
        **without(config, TRUNCATE_FIRST),
        **work.addresses,
        "snapshot.mode": "custom",
        "snapshot.custom.class": CONTINUOUS_SNAPSHOTTER,
    }
    if SERVER_SETTING in config:
        normal[SERVER_SETTING] = work.server.name
    return shifted(normal, work.shift)


def _wait_until_read(client: ConnectClient, name: str, log: Log) -> None:
    """Wait for the end of the snapshot. Raises StackError if the connector fails."""
    next_report = time.monotonic() + REPORT_SECONDS

    def is_read() -> bool:
        nonlocal next_report
        try:
            if has_read_again(client.config(name), client.offsets(name)):
                return True
            status = Status.from_response(client.status(name))
        except (ConnectUnavailableError, UnsettledError):
            return False
        if status.failed:
            raise StackError(f"{explain(name, status)}\nRun make recover again when it is repaired")
        if time.monotonic() > next_report:
            log(f"{name}: reading")
            next_report = time.monotonic() + REPORT_SECONDS
        return False

    poll_until(
        is_read,
        timeout=SNAPSHOT_SECONDS,
        interval=POLL_SECONDS,
        description=f"{name} to read its tables",
    )
