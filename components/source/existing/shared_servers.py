"""Sources that lead to one server, by whatever hosts, and what they may not share there."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from components.config.existing_source import ExistingSource
from components.source.existing.problem import Problem
from components.source.existing.server_checks import Server

# A backup and a standby have the system identifier of their origin, but started at another time.
_RUNNING = (
    "SELECT system_identifier::text || '/' || extract(epoch FROM pg_postmaster_start_time())"
    " FROM pg_control_system()"
)


class SharedServers:
    """The servers that the sources of a stack lead to, as they are asked one after another."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[str, ExistingSource]] = {}
        self._lock = Lock()

    def problems(self, server: Server) -> Iterator[Problem]:
        """Note a source's server, and yield what it may not share with those noted before."""
        running = str(server.value(_RUNNING))
        with self._lock:
            for sources in self._sources.values():
                sources.pop(server.name, None)
            same = self._sources.setdefault(running, {})
            others = dict(same)
            same[server.name] = server.source
        for name, source in others.items():
            if source.database == server.source.database:
                yield from _shared(server, name, source)


def _shared(server: Server, other: str, source: ExistingSource) -> Iterator[Problem]:
    name, one = server.name, server.source
    place = (
        f"sources.{name} ({one.host}:{one.port}) and sources.{other} ({source.host}:{source.port})"
        f" are one server and have its database {one.database}"
    )
    publication = one.publication_name(name)
    if publication == source.publication_name(other):
        yield Problem(
            f"{place} and the publication {publication}: the SQL of either removes the tables of"
            " the other from it",
            f"give another name: datapipe:sources.{name}.publication",
        )
    if both := sorted(one.tables.keys() & source.tables.keys()):
        yield Problem(
            f"{place}: {', '.join(both)} {'is' if len(both) == 1 else 'are'} captured and archived"
            " twice",
            f"remove {'it' if len(both) == 1 else 'them'} from datapipe:sources.{name}.tables or"
            f" from those of {other}",
            "warning",
        )
