"""What rules find: violations, and checks that a preview can't make yet."""

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
    """The resource at fault, in stack policies; empty for the stack as a whole."""


@dataclass(frozen=True)
class NotJudged:
    """A check that waits for the update, because a preview does not know the value at `path`."""

    path: str


Finding = Violation | NotJudged


def judge(
    check: Callable[Arguments, Iterable[str | Finding]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Iterator[Finding]:
    """Yield the findings of one check.

    An unknown value ends only this check and is reported. A value that the check can't read is a
    violation, so that an error in a rule never lets an update pass.
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
