"""What every section of the stack's configuration shares: strictness, key names and quantities.

A validator of a single value raises ValueError with what is wrong and what is allowed, without the
value: components/config/messages.py puts the value before it, unless it may be a secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

MEBIBYTE = 1024 * 1024
# A quantity as the API server reads it. Two digits of an exponent are more than any size needs, and
# Python would take very long to expand a number with many.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(\d+\.?\d*|\.\d+))"
    r"((?P<binary>[KMGTPE])i|(?P<decimal>[numkMGTPE]?)|(?P<exponent>[eE][+-]?\d{1,2}))",
    re.ASCII,
)
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}
_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("", *"kMGTPE"))}
_DECIMAL |= {unit: Decimal(1000) ** -power for power, unit in enumerate("mun", start=1)}


class InvalidKeysError(ValueError):
    """Keys of one or more sections contradict each other: what is wrong, by key."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems))


class Settings(BaseModel):
    """A section of the stack file: camelCase keys, unknown keys refused, immutable."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield each key whose value does not go with another's, and what is wrong with it."""
        yield from ()

    @model_validator(mode="after")
    def _require_no_contradictions(self) -> Self:
        if found := list(self.contradictions()):
            raise InvalidKeysError(*found)
        return self


@dataclass(frozen=True)
class Pattern:
    """A validator of text by a regular expression, which explains itself in words."""

    expression: str
    name: str  # what the text is, e.g. PostgreSQL name
    allowed: str

    def __call__(self, text: str) -> str:
        """Return the text. Raises ValueError where the expression does not match all of it."""
        if not re.fullmatch(self.expression, text):
            raise ValueError(f"is not a valid {self.name}; allowed: {self.allowed}")
        return text


def parse_mebibytes(value: object) -> int:
    """Parse a Kubernetes memory or storage quantity such as 682Mi or 5Gi into whole MiB.

    Raises ValueError where the value is not a quantity, not positive, or not in whole MiB.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"has no unit; write for example {abs(value) or 512}Mi")
    mebibytes = _quantity(value) / MEBIBYTE
    if mebibytes <= 0 or mebibytes != mebibytes.to_integral_value(ROUND_DOWN):
        raise ValueError("is not allowed; write a positive number of whole MiB, e.g. 512Mi or 5Gi")
    return int(mebibytes)


def parse_millicores(value: object) -> int:
    """Parse a Kubernetes CPU quantity such as 500m, 1 or 1.5 into whole millicores.

    Raises ValueError where the value is not a quantity, not positive, or finer than a millicore.
    """
    millicores = _quantity(value) * 1000
    if millicores <= 0 or millicores != millicores.to_integral_value(ROUND_DOWN):
        raise ValueError("is not allowed; write a positive number of millicores, e.g. 500m")
    return int(millicores)


def _quantity(value: object) -> Decimal:
    """Return the value of a quantity.

    The parser of Kubernetes' Python client takes a tenth of each preview to import.
    """
    problem = "is not a Kubernetes quantity; write for example 512Mi or 500m"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(problem)  # pydantic reports no TypeError
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        raise ValueError(problem)
    number, binary, decimal, exponent = (
        match["number"],
        *match.group("binary", "decimal", "exponent"),
    )
    if exponent:
        return Decimal(number + exponent)
    return Decimal(number) * (_BINARY[binary] if binary else _DECIMAL[decimal])


Mebibytes = Annotated[int, BeforeValidator(parse_mebibytes)]
Millicores = Annotated[int, BeforeValidator(parse_millicores)]
