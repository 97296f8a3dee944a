"""What rules find: violations, and what they could not judge yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ParamSpec

from policies.resource import NotKnownYetError

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Violation:
    """A broken rule: what is wrong, where, and what to change."""

    message: str
    urn: str = ""
    """of the resource at fault, in stack policies; empty: the stack as a whole"""


@dataclass(frozen=True)
class NotJudged:
    """A check that could not be made, because the value at `path` is known only in the update."""

    path: str


Finding = Violation | NotJudged


def judge(
    check: Callable[Arguments, Iterable[str | Finding]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Iterator[Finding]:
    """The findings of one check.

    An unknown value ends this check alone, and is told. What a check can't read is a violation:
    no update is let through because a rule stumbled.
    """
    try:
        for found in check(*args, **kwargs):
            yield Violation(found) if isinstance(found, str) else found
    except NotKnownYetError as unknown:
        yield NotJudged(str(unknown))
    except KeyError as missing:
        yield Violation(f"can't be judged: {missing} is missing")
    except ValueError as wrong:
        yield Violation(f"can't be judged: {wrong}")
