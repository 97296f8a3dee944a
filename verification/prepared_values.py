"""Converts columns of the archive where DuckDB's SQL can't: bits of floats, points, Java's texts.

A column of another Arrow type than the archive of today has is left as it is. Its text then
differs from PostgreSQL's, which is what it should.
"""

import json
import math
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Prepare = Callable[[pa.ChunkedArray], pa.ChunkedArray]

# Microseconds from 1970 to 2000, where PostgreSQL's internal timestamps begin.
YEAR_2000 = 946_684_800_000_000
INFINITY, MINUS_INFINITY = 2**63 - 1, -(2**63)
# Types of Iceberg and Parquet that hold a double's neighbours.
FLOATS = {32: pa.float32(), 64: pa.float64()}
BITS = {32: pa.uint32(), 64: pa.uint64()}
# A number as Java's Double.toString writes it.
JAVA_NUMBER = re.compile(r"-?(?:NaN|Infinity|\d+(?:\.\d+)?(?:E-?\d+)?)")


def unchanged(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values."""
    return values


def float_bits(values: pa.ChunkedArray, width: int) -> pa.ChunkedArray:
    """Return the bits of floats as unsigned integers, with one NaN.

    Numbers that the width can't hold exactly are returned as texts, and all others with them.
    """
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        return values
    kind = FLOATS[width]
    numbers = pc.cast(values, kind, safe=False)
    exact = pc.or_(pc.equal(pc.cast(numbers, values.type, safe=False), values), pc.is_nan(numbers))
    one_nan = pc.if_else(pc.is_nan(numbers), pa.scalar(math.nan, kind), numbers)
    bits = _view(one_nan, BITS[width])
    if pc.all(exact, min_count=0).as_py():
        return bits
    texts = [
        None if each is None else f"{bit:0{width // 4}x}" if fits else str(each)
        for each, bit, fits in zip(
            values.to_pylist(), bits.to_pylist(), exact.to_pylist(), strict=True
        )
    ]
    return pa.chunked_array([pa.array(texts, pa.string())])


def unsigned(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return 64-bit integers as unsigned, which DuckDB prints in hexadecimal."""
    if not pa.types.is_int64(values.type):
        return values
    return _view(values, pa.uint64())


def since_2000(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return microseconds since 1970 as PostgreSQL's internal ones; infinities are the same."""
    if not pa.types.is_int64(values.type):
        return values
    infinite = pc.is_in(values, pa.array([INFINITY, MINUS_INFINITY], pa.int64()))
    return unsigned(pc.if_else(infinite, values, pc.subtract(values, YEAR_2000)))


def points(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the bits of both coordinates; they must agree with the well-known binary."""
    return _each(values, pa.types.is_struct, _point)


def _point(value: dict[str, Any]) -> str:
    x, y = value.get("x"), value.get("y")
    if x is None or y is None:
        return str(value)
    text = _big_endian(x) + _big_endian(y)
    agrees = value.get("wkb") == struct.pack("<BIdd", 1, 1, x, y) and value.get("srid") is None
    return text if agrees else f"{text} {value}"


def _big_endian(number: float) -> str:
    return struct.pack(">d", math.nan if math.isnan(number) else number).hex()


def bit_strings(values: pa.ChunkedArray, length: int) -> pa.ChunkedArray:
    """Return bytes, the lowest bit first, as that many binary digits."""
    return _each(
        values,
        lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
        lambda value: f"{int.from_bytes(value, 'little'):0{length}b}",
    )


def geometric_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with Java's numbers as PostgreSQL writes them."""
    return _each(
        values,
        _is_text,
        lambda value: JAVA_NUMBER.sub(lambda found: postgres_float(float(found[0])), value),
    )


def postgres_float(number: float) -> str:
    """Return the shortest text of a double, in PostgreSQL's notation."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number == 0:
        return f"{sign}0"
    mantissa, _, exponent = _shortest(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if point - 1 < -4 or point - 1 >= 15:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _shortest(number: float) -> str:
    """Return the fewest digits that are nearer to a number than to any other one.

    Python also takes digits that are exactly between two numbers, where the number is the even one.
    """
    texts = [repr(number), *(f"{number:.{digits}e}" for digits in range(15, 17))]
    neighbours = [math.nextafter(number, to) for to in (0.0, math.inf)]
    halfway = [
        (Fraction(number) + Fraction(neighbour)) / 2
        for neighbour in neighbours
        if math.isfinite(neighbour)
    ]
    return next(text for text in texts if float(text) == number and Fraction(text) not in halfway)


def hstores(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return JSON objects as PostgreSQL's jsonb prints them, whose keys have an order."""
    return _each(values, _is_text, _sorted_json)


def _sorted_json(value: str) -> str:
    try:
        pairs = json.loads(value)
    except json.JSONDecodeError:
        return value
    if not isinstance(pairs, dict):
        return value
    keys = sorted(pairs, key=lambda key: (len(key.encode()), key.encode()))
    return json.dumps({key: pairs[key] for key in keys}, ensure_ascii=False)


def _view(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return the same bits as another type."""
    return pa.chunked_array([chunk.view(kind) for chunk in values.chunks], kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _each(
    values: pa.ChunkedArray, applies: Callable[[pa.DataType], bool], convert: Callable[[Any], str]
) -> pa.ChunkedArray:
    """Convert each value that is not null to a text, where the column has the type."""
    if not applies(values.type):
        return values
    texts = [None if value is None else convert(value) for value in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])
