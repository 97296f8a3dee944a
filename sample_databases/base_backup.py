"""A base backup by copying files: the releases have no pg_basebackup."""

import shutil
from pathlib import Path
from typing import Any

import psycopg

# The first version with pg_backup_start, which was pg_start_backup.
RENAMED = 15
# What another server must not have, and what it makes itself.
LEFT_OUT = {"postmaster.pid", "postmaster.opts", "pg_replslot", "pg_dynshmem"}
EMPTY_FOLDERS = ("pg_replslot", "pg_dynshmem")


def copy_running(
    connection: psycopg.Connection[tuple[Any, ...]], source: Path, target: Path
) -> None:
    """Copy the data directory of a running server, to which a superuser is connected."""
    renamed = connection.info.server_version // 10_000 >= RENAMED
    begin = "pg_backup_start('copy', true)" if renamed else "pg_start_backup('copy', true, false)"
    end = "pg_backup_stop(true)" if renamed else "pg_stop_backup(false, true)"
    connection.execute(f"SELECT {begin}".encode())
    shutil.copytree(
        source, target, symlinks=True, ignore=_not_copied, copy_function=_copy_if_present
    )
    for (label,) in connection.execute(f"SELECT labelfile FROM {end}".encode()):
        (target / "backup_label").write_text(label)
    for folder in EMPTY_FOLDERS:
        (target / folder).mkdir()
    target.chmod(0o700)


def _not_copied(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name in LEFT_OUT or name.startswith("pgsql_tmp")]


def _copy_if_present(source: str, target: str) -> str:
    """Copy a file, unless the server has removed it meanwhile: its WAL then says so."""
    try:
        return shutil.copy(source, target)
    except FileNotFoundError:
        return target
