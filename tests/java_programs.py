"""Java programs of the tests: those that answer line by line, and those that print and end.

A program that does not answer in time fails the test with its threads' stacks and its own errors.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

import pytest

from polling.lines import LineReader

# Some compute for 20 s alone, and others may have the cores at the same time. Below a test's limit.
ANSWER_SECONDS = 400.0
END_SECONDS = STACKS_SECONDS = 60.0
SHOWN = 6000


def ending_with_the_tests(command: Sequence[str]) -> list[str]:
    """Return a command whose program ends with the process of the tests, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


class JavaProgram:
    """A running program, whose input and output are lines."""

    def __init__(
        self,
        classpath: str,
        name: str,
        *options: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`seconds`: how long a line of the output is waited for."""
        self._name, self.seconds = name, seconds
        # Closed by close().
        self._errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            ending_with_the_tests(["java", *options, "-cp", classpath, name, *arguments]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        assert self._process.stdout is not None
        self._lines = LineReader(self._process.stdout)

    def send(self, line: str) -> None:
        """Write a line of the input."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail("has ended")

    def receive(self) -> str:
        """Return the next line of the output; fail the test if it does not come in time."""
        try:
            line = self._lines.next_line(self.seconds)
        except TimeoutError:
            stacks = _stacks(self._process.pid)
            self.kill()
            self._fail(f"did not answer within {self.seconds:g} s\n{stacks}")
        if line is None:
            self._fail("has ended")
        return line

    def ask(self, line: str) -> str:
        """Write a line and return the answer."""
        self.send(line)
        return self.receive().strip()

    def end(self) -> None:
        """End the program by the end of its input; fail the test if it goes on."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, with input that it has not read
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            stacks = _stacks(self._process.pid)
            self.kill()
            self._fail(f"did not end within {END_SECONDS:g} s\n{stacks}")
        self.close()

    def kill(self) -> None:
        """End the program with SIGKILL."""
        self._process.kill()
        self._process.wait(END_SECONDS)

    def close(self) -> None:
        """Close what an ended program has left open."""
        self._lines.rest(END_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def _fail(self, what: str) -> NoReturn:
        self._errors.seek(0)
        pytest.fail(f"{self._name} {what}\n{self._errors.read()[-SHOWN:]}")


@contextmanager
def java_program(
    classpath: str,
    name: str,
    *options: str,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[JavaProgram]:
    """Yield a running program. Where the block fails, it is killed."""
    program = JavaProgram(classpath, name, *options, arguments=arguments, environment=environment)
    try:
        yield program
    except BaseException:
        program.kill()
        program.close()
        raise
    program.end()


def printed_by(command: Sequence[str | Path], seconds: float = ANSWER_SECONDS) -> list[str]:
    """Run a program; return the lines that it prints. Fail the test if it fails or does not end."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        printed = (late.stdout or b"") + (late.stderr or b"")
        pytest.fail(f"{command[-1]} did not end within {seconds:g} s\n{printed.decode()[-SHOWN:]}")
    assert done.returncode == 0, (done.stdout + done.stderr)[-SHOWN:]
    return done.stdout.splitlines()


def _stacks(process: int) -> str:
    """Return the stacks of a program's threads, or why they can't be read."""
    try:
        shown = subprocess.run(
            ["jstack", "-l", str(process)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=STACKS_SECONDS,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return str(error)
    return shown.stdout
