"""Evaluates the part of PromQL that the archive's alerts use, at one moment, as promtool would.

A metric's values are given by its labels; what is given for a metric counts also as its delta()
over whatever time. Anything else is refused, so that no alert is tested by a wrong reading.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import promql_parser as parser

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = float | Vector

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}
AGGREGATES: dict[str, Callable[[Iterable[float]], float]] = {"max": max, "min": min, "sum": sum}
EQUAL = parser.MatchOp.Equal


def labels(**values: str) -> Labels:
    """Return labels as a vector has them."""
    return frozenset(values.items())


def evaluate(expression: str, metrics: Mapping[str, Vector], now: float = 0) -> Vector:
    """Return the series of an expression; `now` is time(). Raises ValueError if it is not known."""
    value = _value(parser.parse(expression), metrics, now)
    if isinstance(value, float):
        raise ValueError(f"{expression} is a number, not a vector")
    return value


def _value(part: Any, metrics: Mapping[str, Vector], now: float) -> Value:
    match part:
        case parser.NumberLiteral():
            value: Value = float(part.val)
        case parser.ParenExpr():
            value = _value(part.expr, metrics, now)
        case parser.VectorSelector():
            value = _selected(part, metrics)
        case parser.Call() if part.func.name == "time":
            value = now
        case parser.Call() if part.func.name == "delta":
            value = _selected(part.args[0].vector_selector, metrics)
        case parser.AggregateExpr():
            value = _aggregated(part, _value(part.expr, metrics, now))
        case parser.BinaryExpr():
            left, right = (_value(each, metrics, now) for each in (part.lhs, part.rhs))
            value = _combined(part, left, right)
        case _:
            raise ValueError(f"can't evaluate {part}")
    return value


def _selected(selector: Any, metrics: Mapping[str, Vector]) -> Vector:
    matchers = selector.matchers.matchers
    if any(matcher.op != EQUAL for matcher in matchers):
        raise ValueError(f"can't evaluate {selector}")
    wanted = {(matcher.name, matcher.value) for matcher in matchers}
    return {key: value for key, value in metrics[selector.name].items() if wanted <= key}


def _aggregated(part: Any, value: Value) -> Vector:
    groups: dict[Labels, list[float]] = {}
    if isinstance(value, float) or part.modifier.type != parser.AggModifierType.By:
        raise ValueError(f"can't evaluate {part}")
    for key, number in value.items():
        kept = frozenset(pair for pair in key if pair[0] in part.modifier.labels)
        groups.setdefault(kept, []).append(number)
    return {key: AGGREGATES[str(part.op)](numbers) for key, numbers in groups.items()}


def _combined(part: Any, left: Value, right: Value) -> Value:
    name = str(part.op)
    pairs: list[tuple[Labels, float, float]]
    if isinstance(left, float) and isinstance(right, float):
        return ARITHMETIC[name](left, right)
    if isinstance(left, float):
        assert isinstance(right, dict)
        pairs = [(key, left, number) for key, number in right.items()]
    elif isinstance(right, float):
        pairs = [(key, number, right) for key, number in left.items()]
    else:
        matching = part.modifier.matching if part.modifier else None
        if matching is not None and matching.type != parser.LabelModifierType.Include:
            raise ValueError(f"can't evaluate {part}")
        on = None if matching is None else set(matching.labels)
        found = {_on(key, on): number for key, number in right.items()}
        pairs = [
            (key, number, found[_on(key, on)])
            for key, number in left.items()
            if _on(key, on) in found
        ]
    if name in COMPARISONS:
        return {key: first for key, first, second in pairs if COMPARISONS[name](first, second)}
    return {key: ARITHMETIC[name](first, second) for key, first, second in pairs}


def _on(key: Labels, names: set[str] | None) -> Labels:
    return key if names is None else frozenset(pair for pair in key if pair[0] in names)
