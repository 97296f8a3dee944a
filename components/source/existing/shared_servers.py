"""Sources that lead to one server, by whatever hosts, and what they may not share there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from components.config.existing_source import ExistingSource
from components.source.existing.login import WRONG_PASSWORD, Connection
from components.source.existing.problem import Problem, UnreachableError
from components.source.existing.reach import Way, connected
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
        self._ways: dict[str, Way] = {}
        self._lock = Lock()

    def account_problem(self, way: Way) -> Problem | None:
        """Note the way to a source, and return that one before has its account differently.

        Before the login, which the server refuses to one of the two.
        """
        with self._lock:
            self._ways[way.name] = way
            others = [each for each in self._ways.values() if each.name != way.name]
        for other in others:
            if _account(other) == _account(way) and other.source.password != way.source.password:
                return Problem(
                    f"{_place(way.name, way.source)} and {_place(other.name, other.source)} are"
                    f" one server and have its user {way.source.user} with different passwords",
                    f"give datapipe:sources.{way.name}.user another account, or both the same"
                    " password",
                )
        return None

    @contextmanager
    def connected(self, way: Way) -> Iterator[Connection]:
        """Connect to the database of a source that account_problem() has noted.

        Raises UnreachableError where it refuses. Where that is the password, it names the noted
        sources that have the account with another one: their hosts may lead to the same server.
        """
        try:
            with connected(way) as connection:
                yield connection
        except UnreachableError as error:
            if others := self._with_another_password(way, error.problem):
                raise UnreachableError(
                    Problem(
                        f"{error.problem.reason}. {', '.join(others)} {_has(others)} the user"
                        f" {way.source.user} with another password",
                        "where they are one server, give both sources one password, or each its own"
                        f" user; otherwise {error.problem.remedy}",
                    )
                ) from None
            raise

    def _with_another_password(self, way: Way, problem: Problem) -> list[str]:
        """Return the noted sources whose account the server may have taken this one's for."""
        if WRONG_PASSWORD not in problem.reason:
            return []
        with self._lock:
            others = [each for each in self._ways.values() if each.name != way.name]
        return [
            _place(other.name, other.source)
            for other in others
            if other.source.user == way.source.user and other.source.password != way.source.password
        ]

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


def _has(sources: list[str]) -> str:
    return "has" if len(sources) == 1 else "have"


def _account(way: Way) -> tuple[str, int, str]:
    return way.address, way.source.port, way.source.user


def _place(name: str, source: ExistingSource) -> str:
    return f"sources.{name} ({source.host}:{source.port})"


def _shared(server: Server, other: str, source: ExistingSource) -> Iterator[Problem]:
    name, one = server.name, server.source
    place = (
        f"{_place(name, one)} and {_place(other, source)} are one server and have its database"
        f" {one.database}"
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
