"""Types of command line options that are numbers, which argparse refuses in words."""

import math
from argparse import ArgumentTypeError
from collections.abc import Callable


def positive(text: str) -> float:
    """Return a finite number above 0. Raises ArgumentTypeError."""
    value = _finite(text)
    if value is None or value <= 0:
        raise ArgumentTypeError(f"{text!r} is not allowed; allowed: a number above 0")
    return value


def not_negative(text: str) -> float:
    """Return a finite number from 0 on. Raises ArgumentTypeError."""
    value = _finite(text)
    if value is None or value < 0:
        raise ArgumentTypeError(f"{text!r} is not allowed; allowed: 0 or more")
    return value


def whole_number(least: int) -> Callable[[str], int]:
    """Return a type for whole numbers from `least` on."""

    def parse(text: str) -> int:
        value = int(text) if text.isascii() and text.isdecimal() else -1
        if value < least:
            raise ArgumentTypeError(
                f"{text!r} is not allowed; allowed: a whole number, {least} or more"
            )
        return value

    return parse


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
