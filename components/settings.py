"""What every part of the stack's configuration shares: strictness, key names and quantities."""

from decimal import ROUND_DOWN, Decimal
from typing import Annotated

from kubernetes.utils.quantity import parse_quantity
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

MEBIBYTE = 1024 * 1024


class Settings(BaseModel):
    """A section of the stack file: camelCase keys, unknown keys refused, never changed later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


def parse_mebibytes(value: object) -> int:
    """Read a Kubernetes memory or storage quantity such as 682Mi or 5Gi, in whole MiB.

    Raises ValueError where the text is no quantity, not positive, or not whole MiB.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit; write for example {abs(value) or 512}Mi")
    mebibytes = _quantity(value) / MEBIBYTE
    if mebibytes <= 0 or mebibytes != mebibytes.to_integral_value(ROUND_DOWN):
        raise ValueError(f"{value} is not allowed; give a positive number of whole MiB, e.g. 512Mi")
    return int(mebibytes)


def parse_millicores(value: object) -> int:
    """Read a Kubernetes CPU quantity such as 500m, 1 or 1.5, in whole millicores.

    Raises ValueError where the text is no quantity, not positive, or finer than a millicore.
    """
    millicores = _quantity(value) * 1000
    if millicores <= 0 or millicores != millicores.to_integral_value(ROUND_DOWN):
        raise ValueError(f"{value} is not allowed; give a positive number of millicores, e.g. 500m")
    return int(millicores)


def _quantity(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no quantity; write for example 512Mi or 500m")
    return Decimal(parse_quantity(str(value)))


Mebibytes = Annotated[int, BeforeValidator(parse_mebibytes)]
Millicores = Annotated[int, BeforeValidator(parse_millicores)]
