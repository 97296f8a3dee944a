"""What every section of the stack's configuration shares: strictness, key names and quantities.

A validator of a single value raises ValueError with what is wrong and what is allowed, without the
value: components/config/messages.py puts the value before it, unless it may be a secret.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

MEBIBYTE = 1024 * 1024
# The largest numbers that settings of Kafka, Connect and PostgreSQL can have.
LARGEST_INT = 2**31 - 1
LARGEST_LONG = 2**63 - 1

# A number and its unit.
_QUANTITY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(m|k|[KMGTPE]i?|[eE][0-9]{1,3})?")
_CORES = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(m)?")
_UNITS = {"m": Decimal("0.001"), "k": Decimal(1000)}
_UNITS |= {unit: Decimal(1000) ** power for power, unit in enumerate("KMGTPE", start=1)}
_UNITS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}


class InvalidKeysError(ValueError):
    """Keys of one or more sections contradict each other: what is wrong, by key."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems))


# The types of a section's numbers.
NUMBERS = (int, float, int | None)


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

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_a_truth_value_as_number(cls, given: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number is expected: pydantic takes them for 1 and 0."""
        expected = cls.model_fields[str(info.field_name)].annotation
        if isinstance(given, bool) and expected in NUMBERS:
            raise ValueError("is not a number")
        return given

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
        if not re.fullmatch(self.expression, text, re.ASCII):
            raise ValueError(f"is not a valid {self.name}; allowed: {self.allowed}")
        return text


def parse_mebibytes(value: object) -> int:
    """Parse a Kubernetes memory or storage quantity such as 682Mi or 5Gi into whole MiB.

    Raises ValueError where the value is not a quantity, not positive, or not in whole MiB.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"has no unit; write for example {abs(value) or 512}Mi")
    mebibytes = _quantity(value, _QUANTITY) / MEBIBYTE
    if mebibytes <= 0 or mebibytes != mebibytes.to_integral_value(ROUND_DOWN):
        raise ValueError("is not allowed; write a positive number of whole MiB, e.g. 512Mi or 5Gi")
    return int(mebibytes)


def parse_millicores(value: object) -> int:
    """Parse a Kubernetes CPU quantity such as 500m, 1 or 1.5 into whole millicores.

    Raises ValueError where the value is not a quantity, not positive, or finer than a millicore.
    """
    millicores = _quantity(value, _CORES) * 1000
    if millicores <= 0 or millicores != millicores.to_integral_value(ROUND_DOWN):
        raise ValueError("is not allowed; write a positive number of millicores, e.g. 500m")
    return int(millicores)


def _quantity(value: object, form: re.Pattern[str]) -> Decimal:
    """Return a quantity of a form. Raises ValueError; pydantic reports no TypeError.

    The parser of Kubernetes' Python client would take a tenth of each preview to import.
    """
    match = None if isinstance(value, bool) else form.fullmatch(str(value))
    if match is None:
        example = "512Mi" if form is _QUANTITY else "500m"
        raise ValueError(f"is not a Kubernetes quantity; write for example {example}")
    number, unit = match.groups(default="")
    quantity = Decimal(number) * _UNITS[unit] if unit in _UNITS else Decimal(number + unit)
    if quantity.copy_abs() > LARGEST_LONG:
        raise ValueError("is above the largest quantity of Kubernetes, 2^63 - 1")
    return quantity


Mebibytes = Annotated[int, BeforeValidator(parse_mebibytes)]
Millicores = Annotated[int, BeforeValidator(parse_millicores)]
