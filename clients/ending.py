"""The end of a program that reads the archive with pyarrow."""

import atexit
import os
import sys
from collections.abc import Callable

INTERRUPTED = 130


def run_and_exit(main: Callable[[], int]) -> None:
    """Run a program and end the process with the exit code that it returns.

    Where a reader fails, its threads still read while the interpreter takes pyarrow's objects
    apart, which can end in a segmentation fault instead of the exception's message and exit code.
    So the process ends after the exit functions that the program has registered, such as the one
    that removes copies of client certificates, and before those of pyarrow's import.
    """
    ending = _Ending()
    atexit.register(ending)
    try:
        ending.status = main()
    except SystemExit as finished:
        ending.status = finished.code if isinstance(finished.code, int) else 1
        raise
    except KeyboardInterrupt:
        ending.status = INTERRUPTED
        raise


class _Ending:
    """Ends the process; a program that did not return has failed."""

    status = 1

    def __call__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.status)
