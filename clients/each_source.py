"""Runs an action for each captured database; one that is down keeps no other from it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from clients.stack import StackError, StackOutputs
from clients.status.unknown import UNREACHABLE, on_one_line
from kafka_connect.failures import ConnectError

T = TypeVar("T")


def run_for_each(
    sources: Sequence[StackOutputs], action: Callable[[StackOutputs], T]
) -> tuple[list[T], list[str]]:
    """Return the action's results, and a sentence for each database for which it failed.

    The error of the only database is raised as it is.
    """
    results, failures = [], []
    for own in sources:
        try:
            results.append(action(own))
        except (*UNREACHABLE, ConnectError) as error:
            if len(sources) == 1:
                raise
            failures.append(f"{own.source}: {on_one_line(error)}")
    return results, failures


def require_no_failures(failures: Sequence[str]) -> None:
    """Raise StackError with the databases for which an action failed, if there are any."""
    if failures:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise StackError(f"not done for these databases; the others are finished:\n{listed}")
