"""Java programs that answer the tests' questions line by line."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def java_program(
    classpath: str, name: str, *options: str, arguments: tuple[str, ...] = ()
) -> Iterator["subprocess.Popen[str]"]:
    """Yield a running program; the end of its input ends it."""
    with subprocess.Popen(
        ["java", *options, "-cp", classpath, name, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        yield running
        assert running.stdin is not None
        running.stdin.close()
