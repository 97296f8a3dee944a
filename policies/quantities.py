"""Kubernetes quantities: `682Mi`, `1G`, `512e6`, `0.5`, `500m`.

A parser of its own, since Kubernetes' Python client takes most of a second to import and accepts
texts that the API server refuses. The tests hold it against the API server's own parser, which
reads texts without any digit, such as `Mi`, as 0; here they are refused.
"""

import re
from decimal import ROUND_UP, Decimal

MEBIBYTE = 1024 * 1024

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(\d+\.?\d*|\.\d+))"
    r"((?P<binary>[KMGTPE]i)|[eE](?P<exponent>[+-]?\d+)|(?P<decimal>[numkMGTPE]?))",
    re.ASCII,
)
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}
_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("", *"kMGTPE"))}
_DECIMAL |= {unit: Decimal(1000) ** -power for power, unit in enumerate("mun", start=1)}
MAX_EXPONENT = 1000
"""Beyond it nothing is a size of anything; Python would take ages to write the number out."""


def parse_quantity(value: str | int | float) -> Decimal:
    """The exact value of a quantity. Raises ValueError where the API server would refuse it."""
    text = repr(value) if isinstance(value, float) else str(value)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no Kubernetes quantity; write for example 512Mi or 500m")
    number = Decimal(match["number"])
    if match["binary"]:
        return number * _BINARY[match["binary"][0]]
    if match["exponent"]:
        exponent = int(match["exponent"])
        if abs(exponent) > MAX_EXPONENT:
            raise ValueError(f"{text!r} is no size that exists")
        return number.scaleb(exponent)
    return number * _DECIMAL[match["decimal"]]


def parse_bytes(value: str | int | float) -> int:
    """Memory or storage in bytes, rounded away from zero as Kubernetes does. Raises ValueError."""
    return int(parse_quantity(value).to_integral_value(ROUND_UP))


def parse_millicores(value: str | int | float) -> int:
    """CPU in millicores, rounded away from zero as Kubernetes does. Raises ValueError."""
    return int((parse_quantity(value) * 1000).to_integral_value(ROUND_UP))


def format_mebibytes(size: int) -> str:
    """Bytes as MiB, with a decimal only where they are not whole."""
    mebibytes = size / MEBIBYTE
    return f"{mebibytes:.0f}Mi" if size % MEBIBYTE == 0 else f"{mebibytes:.1f}Mi"


def format_millicores(millicores: int) -> str:
    """CPU as Kubernetes writes it."""
    return f"{millicores}m"
