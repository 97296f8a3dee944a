"""A plug-in of pytest: a test that waits forever ends, whatever it waits in, and the others go on.

pytest-timeout's alarm raises an exception in the test. That is not enough where a context manager
waits again on the way out, such as `Popen.__exit__`, where code in C does not return to Python, and
in the teardown of a test that failed. pytest's `faulthandler_timeout` does not cover that, either.
"""

import faulthandler
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

# After the first alarm: how often it rings again, and how long until the process exits.
REPEAT_SECONDS, EXIT_SECONDS = 30, 120
LIMIT = pytest.StashKey[Any]()
STANDARD_ERROR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STANDARD_ERROR] = os.dup(2)  # before pytest captures what a test writes there


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[STANDARD_ERROR])


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Iterator[Any]:
    """Repeat the alarm; if that changes nothing, print the stacks of all threads and exit."""
    item.stash[LIMIT] = settings
    result = yield
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, REPEAT_SECONDS)
    faulthandler.dump_traceback_later(
        settings.timeout + EXIT_SECONDS, exit=True, file=item.config.stash[STANDARD_ERROR]
    )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_timeout_cancel_timer() -> Iterator[Any]:
    faulthandler.cancel_dump_traceback_later()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Give the teardown a limit of its own."""
    if LIMIT in item.stash:
        item.config.hook.pytest_timeout_set_timer(item=item, settings=item.stash[LIMIT])
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, sched: Any) -> None:
    """Leave out a test that ended its worker: with loadfile, pytest-xdist would run it again."""
    for name, tests in list(sched.workqueue.items()):
        if crashitem in tests:
            tests[crashitem] = True  # done
            if all(tests.values()):
                del sched.workqueue[name]
