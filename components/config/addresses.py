"""Hosts, brokers' addresses and networks, as a stack file has them."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from components.settings import Pattern

LARGEST_PORT = 65535

_HOST = Pattern(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*",
    name="host",
    allowed="a DNS name or an IPv4 address, without scheme and port",
)
_BROKER = Pattern(
    r"[A-Za-z0-9.-]+:\d{1,5}",
    name="broker address",
    allowed="host:port, e.g. kafka-0.example.org:9092",
)


def address_of(host: str) -> IPv4Address | None:
    """Return the address that a host is; None where it is a name."""
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None


def require_port(digits: str) -> None:
    """Raise ValueError for the port of an address that can't exist."""
    if not 1 <= int(digits) <= LARGEST_PORT:
        raise ValueError(f"has a port that does not exist; allowed: 1 to {LARGEST_PORT}")


def _names_a_host(host: str) -> str:
    """Refuse an address with a number that is too high, such as 10.1.2.999."""
    if host.rpartition(".")[2].isdigit() and address_of(host) is None:
        raise ValueError(f"is not a valid host; allowed: {_HOST.allowed}")
    return host


def _names_a_port(address: str) -> str:
    host, _, port = address.partition(":")
    _names_a_host(_HOST(host))
    require_port(port)
    return address


def _is_text(network: object) -> object:
    """Refuse a number, of which ipaddress makes an address: 5 would be 0.0.0.5/32."""
    if not isinstance(network, str | IPv4Network):
        raise ValueError("is not an IPv4 network; write for example 172.18.0.0/16")
    return network


HostName = Annotated[str, AfterValidator(_HOST), AfterValidator(_names_a_host)]
BrokerAddress = Annotated[str, AfterValidator(_BROKER), AfterValidator(_names_a_port)]
Network = Annotated[IPv4Network, BeforeValidator(_is_text)]
