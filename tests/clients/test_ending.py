"""A program's message and exit code survive what pyarrow does at the interpreter's end."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# As pyarrow's import does; this exit function crashes as its threads' end was seen to.
PROGRAM = """\
import atexit, os, signal, sys
atexit.register(lambda: os.kill(os.getpid(), signal.SIGSEGV))
from clients.ending import run_and_exit

def main():
    atexit.register(lambda: print("removed the certificates"))
    print("some output")
    {ending}

run_and_exit(main)
"""


def run(ending: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(ending=ending)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("return 0", 0),
        ("return 3", 3),
        ("sys.exit(2)", 2),
        ("sys.exit('wrong usage')", 1),
        ("raise RuntimeError('the reader failed')", 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_the_exit_code_is_the_programs(ending: str, code: int) -> None:
    done = run(ending)
    assert done.returncode == code, done.stderr
    assert done.stdout == "some output\nremoved the certificates\n"


def test_the_exceptions_message_is_printed() -> None:
    assert (
        "RuntimeError: the reader failed" in run("raise RuntimeError('the reader failed')").stderr
    )


def test_without_it_the_process_crashes() -> None:
    """The stand-in for pyarrow's end does what the other tests show to be avoided."""
    program = PROGRAM.format(ending="return 0").replace("run_and_exit(main)", "main()")
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGSEGV
