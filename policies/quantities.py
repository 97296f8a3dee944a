"""Kubernetes quantities: `682Mi`, `1G`, `512e6`, `0.5`, `500m`.

Kubernetes' Python client also has a parser, but takes most of a second to import and accepts texts
that the API server refuses. The tests compare this one with the API server's parser, which reads
texts without a digit, such as `Mi`, as 0; here they are refused.
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
# A larger exponent is not a real size, and Python would take very long to expand it.
MAX_EXPONENT = 1000


def parse_quantity(value: str | int | float) -> Decimal:
    """Return the exact value of a quantity. Raises ValueError if the API server would refuse it."""
    text = repr(value) if isinstance(value, float) else str(value)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a valid Kubernetes quantity; write e.g. 512Mi or 500m")
    number = Decimal(match["number"])
    if match["binary"]:
        return number * _BINARY[match["binary"][0]]
    if match["exponent"]:
        exponent = int(match["exponent"])
        if abs(exponent) > MAX_EXPONENT:
            raise ValueError(f"{text!r} is not a valid size: the exponent is beyond {MAX_EXPONENT}")
        return number.scaleb(exponent)
    return number * _DECIMAL[match["decimal"]]


def parse_bytes(value: str | int | float) -> int:
    """Return bytes, rounded away from zero as Kubernetes does. Raises ValueError."""
    return int(parse_quantity(value).to_integral_value(ROUND_UP))


def parse_millicores(value: str | int | float) -> int:
    """Return millicores, rounded away from zero as Kubernetes does. Raises ValueError."""
    return int((parse_quantity(value) * 1000).to_integral_value(ROUND_UP))


def format_mebibytes(size: int) -> str:
    """Return bytes as MiB, with a decimal only if they are not whole."""
    mebibytes = size / MEBIBYTE
    return f"{mebibytes:.0f}Mi" if size % MEBIBYTE == 0 else f"{mebibytes:.1f}Mi"


def format_millicores(millicores: int) -> str:
    """Return CPU in Kubernetes' syntax."""
    return f"{millicores}m"
