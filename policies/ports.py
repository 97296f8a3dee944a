"""Sets of ports as bits of a number, one for each port of each protocol: &, | and ~ work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Ports: TypeAlias = int

PROTOCOLS = ("TCP", "UDP", "SCTP")
LAST = 65535
NO_PORT: Ports = 0


def span(protocol: str, first: int, last: int) -> Ports:
    """Return the ports from first to last."""
    ones = (1 << (last - first + 1)) - 1
    return ones << (PROTOCOLS.index(protocol) * (LAST + 1) + first)


ANY_PORT: Ports = sum(span(protocol, 1, LAST) for protocol in PROTOCOLS)


def parse_port(text: str) -> Ports:
    """Parse a port in the syntax of the settings: 9092, 53/UDP, 8000-8010.

    Raises ValueError for an invalid one.
    """
    numbers, _, protocol = text.partition("/")
    first, _, last = numbers.partition("-")
    if not first.isdigit() or (last and not last.isdigit()) or (protocol or "TCP") not in PROTOCOLS:
        raise ValueError(f"'{text}' is not a valid port; write e.g. 9092, 53/UDP or 8000-8010")
    return span(protocol or "TCP", int(first), int(last or first))


def spans(ports: Ports) -> Iterator[tuple[str, int, int]]:
    """Yield the runs of neighbouring ports in a set: protocol, first, last."""
    for index, protocol in enumerate(PROTOCOLS):
        rest = (ports >> index * (LAST + 1)) & ((1 << (LAST + 1)) - 1)
        while rest:
            first = (rest & -rest).bit_length() - 1
            ones = rest >> first
            length = (~ones & (ones + 1)).bit_length() - 1
            yield protocol, first, first + length - 1
            rest &= ~(((1 << length) - 1) << first)


def describe(ports: Ports) -> str:
    """Return a set of ports as text: 53/UDP, 9092, 8000-8010; TCP is the default."""
    if ports == ANY_PORT:
        return "every port"
    return ", ".join(_describe_run(*run) for run in spans(ports))


def _describe_run(protocol: str, first: int, last: int) -> str:
    numbers = [f"{first}-{last}"] if last > first + 1 else [str(n) for n in {first, last}]
    suffix = "" if protocol == "TCP" else f"/{protocol}"
    return ", ".join(f"{number}{suffix}" for number in sorted(numbers))
