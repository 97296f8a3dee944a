"""Where an existing database is looked at from: this machine, or the pod of the Connect worker."""

from __future__ import annotations

import socket
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

CONNECT_SECONDS = 5


class UnusableVantageError(Exception):
    """Nothing can be looked at from there, whatever the database's state; the text says why."""


class UnresolvedHostError(Exception):
    """A host name has no IPv4 address; the text is the resolver's reason."""


class Vantage(Protocol):
    """A place with a network of its own. Each method may raise UnusableVantageError."""

    @property
    def name(self) -> str:
        """What the lines call it."""

    def resolve(self, host: str) -> list[str]:
        """Return the host's IPv4 addresses. Raises UnresolvedHostError."""

    def try_tcp(self, address: str, port: int) -> None:
        """Connect and close. Raises OSError; TimeoutError where nothing answers."""

    def forwarded(self, address: str, port: int) -> AbstractContextManager[tuple[str, int]]:
        """Yield an address and port of this machine behind which the given ones are."""

    def clock(self) -> float:
        """Return the seconds since 1970."""


class ThisMachine:
    """Where Pulumi or the command runs."""

    name = "this machine"

    def resolve(self, host: str) -> list[str]:
        try:
            found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise UnresolvedHostError(str(error.strerror)) from None
        return [str(address[0]) for *_, address in found]

    def try_tcp(self, address: str, port: int) -> None:
        socket.create_connection((address, port), CONNECT_SECONDS).close()

    def forwarded(self, address: str, port: int) -> AbstractContextManager[tuple[str, int]]:
        return nullcontext((address, port))

    def clock(self) -> float:
        return time.time()
