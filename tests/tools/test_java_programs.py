"""A Java program of a test that does not answer, or does not end, fails the test and says why."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polling import poll_until
from tests import java_programs
from tests.java_programs import JavaProgram, java_program, printed_by

pytestmark = pytest.mark.jdk

# Answers with the line; "wait" is not answered, "throw" ends it, "stay" keeps it from ending.
ECHO = """\
import java.io.BufferedReader;
import java.io.InputStreamReader;

public class Echo {
  public static void main(String[] arguments) throws Exception {
    System.err.println("its own errors");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      if (line.equals("wait")) {
        inTheWay();
      } else if (line.equals("throw")) {
        throw new IllegalStateException("thrown");
      } else if (line.equals("stay")) {
        new Thread(Echo::inTheWay).start();
      }
      System.out.println(line);
    }
  }

  static void inTheWay() {
    try {
      Thread.sleep(600_000);
    } catch (InterruptedException end) {
      // it ends
    }
  }
}
"""


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the program above, and of Late, which waits before it reads."""
    folder = tmp_path_factory.mktemp("echo")
    late = ECHO.replace("Echo", "Late").replace("    Buffered", "    inTheWay();\n    Buffered", 1)
    sources = [folder / "Echo.java", folder / "Late.java"]
    for source, text in zip(sources, (ECHO, late), strict=True):
        source.write_text(text)
    subprocess.run(["javac", "-d", folder, *sources], check=True)
    return str(folder)


def failure(run: Callable[[], object]) -> str:
    with pytest.raises(pytest.fail.Exception) as failed:
        run()
    return str(failed.value)


def test_answers_are_returned(classes: str) -> None:
    with java_program(classes, "Echo") as program:
        assert [program.ask("one"), program.ask(" two ")] == ["one", "two"]


def test_a_program_that_does_not_answer_is_killed_and_shown(classes: str) -> None:
    program = JavaProgram(classes, "Echo")
    program.ask("ready")
    program.seconds = 1
    message = failure(lambda: program.ask("wait"))
    assert "Echo did not answer within 1 s" in message
    assert "Echo.inTheWay" in message
    assert "its own errors" in message
    assert "has ended" in failure(lambda: program.ask("again"))
    program.close()


def test_a_program_that_fails_is_shown(classes: str) -> None:
    program = JavaProgram(classes, "Echo")
    assert "IllegalStateException: thrown" in failure(lambda: program.ask("throw"))
    program.close()


def test_a_program_that_goes_on_after_its_input_is_killed_and_shown(
    classes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = JavaProgram(classes, "Echo")
    program.ask("stay")
    monkeypatch.setattr(java_programs, "END_SECONDS", 1)
    message = failure(program.end)
    assert "did not end within 1 s" in message
    assert "Echo.inTheWay" in message


def test_a_program_that_only_prints_must_end(classes: str) -> None:
    assert printed_by(["java", "-version"]) == []
    message = failure(lambda: printed_by(["java", "-cp", classes, "Late"], seconds=10))
    assert "Late did not end within 10 s" in message
    assert "its own errors" in message


def test_a_program_ends_with_the_process_of_the_tests_when_a_library_aborts_it() -> None:
    """Its own code can't end them any more, as when librdkafka has ended pytest by SIGABRT."""
    started = (
        "import os, subprocess\n"
        "from tests.java_programs import ending_with_the_tests\n"
        "print(subprocess.Popen(ending_with_the_tests(['sleep', '600'])).pid, flush=True)\n"
        "os.abort()"
    )
    ended = subprocess.run([sys.executable, "-c", started], stdout=subprocess.PIPE, check=False)
    assert ended.returncode == -signal.SIGABRT
    status = Path("/proc", ended.stdout.decode().strip(), "status")
    poll_until(lambda: _has_ended(status), timeout=30, interval=0.1, description="its program")


def _has_ended(status: Path) -> bool:
    try:
        return "State:\tZ" in status.read_text()
    except FileNotFoundError:
        return True
