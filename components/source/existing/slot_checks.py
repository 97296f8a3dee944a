"""What of an existing server's slots and WAL keeps changes from being captured."""

from __future__ import annotations

from collections.abc import Iterator

from components.source.existing.problem import Problem
from components.source.existing.quoting import identifier, literal
from components.source.existing.server_checks import Server
from components.source.existing.settings import DISK, setting

# The first with the setting max_slot_wal_keep_size.
SLOT_LIMIT_VERSION = 13
# The first whose slots can follow a failover.
FAILOVER_VERSION = 17
# WAL that a slot may keep, as the remedy suggests it.
SLOT_LIMIT = "50GB"
# Longer than coordinators need between the two phases of a commit.
PREPARED_MINUTES = 5
# The connector's, and one for a while where an added table is read.
SLOTS = 2

_SLOT = """
SELECT slot_type, plugin, database, to_jsonb(slot) ->> 'wal_status',
    to_jsonb(slot) ->> 'invalidation_reason',
    pg_size_pretty(pg_current_wal_lsn() - restart_lsn)
FROM pg_replication_slots AS slot WHERE slot_name = %s
"""
# A transaction that was prepared is open until its coordinator ends it.
_PREPARED = """
SELECT gid, prepared::timestamp(0)::text FROM pg_prepared_xacts
WHERE prepared < now() - interval '1 min' * %s ORDER BY prepared LIMIT 1
"""
_DATABASE_SIZE = "SELECT pg_size_pretty(pg_database_size(current_database()))"
# Only members of pg_monitor may call it.
_MAY_READ_WAL_SIZE = "SELECT has_function_privilege('pg_ls_waldir()', 'EXECUTE')"
_WAL_SIZE = "SELECT pg_size_pretty(sum(size)) FROM pg_ls_waldir()"


def slot_problems(server: Server, *, is_captured: bool) -> Iterator[Problem]:
    """Yield what is wrong with the source's slot, or keeps it from being created or followed."""
    yield from _slot(server, is_captured=is_captured)
    yield from _prepared_transaction(server)
    yield from _limit(server)
    yield from _idle_limit(server)
    yield from _failover(server)
    yield _disk(server)


def _slot(server: Server, *, is_captured: bool) -> Iterator[Problem]:
    row = server.row(_SLOT, server.slot)
    if row is None:
        yield from _free_slots(server)
        return
    kind, plugin, database, status, reason, kept = row
    drop = f"SELECT pg_drop_replication_slot({literal(server.slot)});"
    another_name = f"give another name: datapipe:sources.{server.name}.slot"
    if (kind, plugin, database) != ("logical", "pgoutput", server.source.database):
        yield Problem(
            f"the slot {server.slot} is {kind}, of plugin {plugin or 'none'} and database"
            f" {database or 'none'}, so another program made it",
            another_name,
        )
    elif not is_captured:
        yield Problem(
            f"the slot {server.slot} exists, but this stack does not capture the database yet:"
            " another stack needs it, or one that was removed has left it behind",
            f"if no stack needs it, {drop} otherwise {another_name}",
        )
    elif status == "lost" or reason:
        yield Problem(
            f"the slot {server.slot} is lost{f' ({reason})' if reason else ''}: the server has"
            " removed WAL that it needs, and changes are missing from the archive",
            f"{drop} make recover SOURCE={server.name}",
        )
    elif status == "unreserved":
        yield Problem(
            f"the slot {server.slot} keeps {kept} of WAL, more than max_slot_wal_keep_size"
            f" ({server.shown('max_slot_wal_keep_size')}), and is lost at the next checkpoint",
            "start the connector, or "
            + setting(server.source, "max_slot_wal_keep_size", SLOT_LIMIT),
            "warning",
        )


def _free_slots(server: Server) -> Iterator[Problem]:
    limit = int(server.setting("max_replication_slots"))
    free = limit - int(server.value("SELECT count(*) FROM pg_replication_slots"))
    if free >= SLOTS:
        return
    remedy = "drop one that nobody needs (pg_replication_slots lists them), or " + setting(
        server.source, "max_replication_slots", str(limit + SLOTS), restart=True
    )
    if free <= 0:
        yield Problem(f"all {limit} replication slots are in use (max_replication_slots)", remedy)
    else:
        yield Problem(
            f"one replication slot of {limit} is free (max_replication_slots), but the reading of a"
            " table that is added later needs a second one for a while",
            remedy,
            "warning",
        )


def _prepared_transaction(server: Server) -> Iterator[Problem]:
    row = server.row(_PREPARED, PREPARED_MINUTES)
    if row is not None:
        gid, since = row
        yield Problem(
            f"a prepared transaction has been open since {since} ({gid}): a slot is not created"
            " before it ends, and keeps all WAL from then on",
            f"as its owner: COMMIT PREPARED {literal(gid)}; or ROLLBACK PREPARED {literal(gid)};",
            "warning",
        )


def _limit(server: Server) -> Iterator[Problem]:
    if server.version < SLOT_LIMIT_VERSION:
        yield Problem(
            f"PostgreSQL {server.version} keeps WAL for a slot without a limit: while the connector"
            " is away, it may fill the disk",
            f"upgrade to {SLOT_LIMIT_VERSION} or newer, or watch the slot {server.slot}",
            "warning",
        )
    elif server.setting("max_slot_wal_keep_size") == "-1":
        yield Problem(
            "max_slot_wal_keep_size is -1, so the server keeps WAL for a slot without a limit:"
            " while the connector is away, it may fill the disk",
            setting(server.source, "max_slot_wal_keep_size", SLOT_LIMIT),
            "warning",
        )


def _idle_limit(server: Server) -> Iterator[Problem]:
    """Yield that PostgreSQL 18 takes a slot away from a connector that is stopped."""
    limit = server.shown("idle_replication_slot_timeout")
    if limit not in (None, "0"):
        yield Problem(
            f"idle_replication_slot_timeout is {limit}: the slot is lost if the connector is away"
            " for longer",
            setting(server.source, "idle_replication_slot_timeout", "0"),
            "warning",
        )


def _failover(server: Server) -> Iterator[Problem]:
    """Yield that a promoted standby would not have the slot."""
    if not server.value("SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical'"):
        return
    consequence = "on a promoted standby it does not exist, and changes would be missing"
    if server.version < FAILOVER_VERSION:
        yield Problem(
            f"the server has a standby, and slots of PostgreSQL {server.version} do not follow a"
            f" failover: {consequence}",
            f"make recover SOURCE={server.name} after a failover, or upgrade to"
            f" {FAILOVER_VERSION} or newer",
            "warning",
        )
        return
    follows = server.value(
        "SELECT failover FROM pg_replication_slots WHERE slot_name = %s AND slot_type = 'logical'",
        server.slot,
    )
    if follows is False:
        yield Problem(
            f"the slot {server.slot} does not follow a failover: {consequence}",
            f"ALTER_REPLICATION_SLOT {identifier(server.slot)} (FAILOVER true), on a connection"
            " with replication=database while the connector is stopped, and on the standby"
            " sync_replication_slots = on",
            "warning",
        )


def _disk(server: Server) -> Problem:
    """Return that no account can ask for free disk space, with the sizes that it compares to."""
    database = server.value(_DATABASE_SIZE)
    wal = server.value(_WAL_SIZE) if server.value(_MAY_READ_WAL_SIZE) else None
    limit = server.shown("max_slot_wal_keep_size")
    keeps = "without a limit" if limit in (None, "-1") else f"up to {limit}"
    return Problem(
        f"free disk space, which PostgreSQL does not know: the database has {database}, the slot"
        f" keeps WAL {keeps}" + (f", and there is {wal} now" if wal else ""),
        DISK[server.source.service],
        "not checked",
    )
