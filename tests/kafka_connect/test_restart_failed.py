"""Failed connectors and tasks are restarted, soon at first and then every minute.

tests/chaos and `make chaos` show that on a real worker.
"""

import subprocess
from pathlib import Path

import pytest

from tests.java_programs import printed_by

pytestmark = pytest.mark.jdk

EXTENSION = Path(__file__).parents[2] / "java/extensions.jar"
PROBE = """\
package datapipe.connect;

import java.util.Set;

/** Prints when a part is due that fails for an hour, then runs, then fails again. */
public class Probe {
  public static void main(String[] arguments) {
    Backoff backoff = new Backoff();
    for (long second = 0; second < 6000; second++) {
      boolean fails = second < 3600 || second >= 4500;
      Set<String> failed = fails ? Set.of("sink/tasks/0") : Set.of();
      for (String due : backoff.due(failed, second * 1_000_000_000L)) {
        System.out.println(second + " " + due);
      }
    }
  }
}
"""

REBALANCES = """\
package datapipe.connect;

import java.util.Set;

/** Prints when a part is stuck that is unassigned for 40 s twice and then permanently. */
public class Probe {
  public static void main(String[] arguments) {
    StuckStateTracker tracker = new StuckStateTracker();
    for (long second = 0; second < 300; second += 5) {
      boolean unassigned = second < 40 || second >= 100 && second < 140 || second >= 200;
      Set<String> parts = unassigned ? Set.of("sink") : Set.of();
      for (String part : tracker.stuck(parts, second * 1_000_000_000L)) {
        System.out.println(second + " " + part);
      }
    }
  }
}
"""


def printed_seconds(program: str, folder: Path) -> list[int]:
    """Return the seconds that a program prints, which uses the extension's own classes."""
    source = folder / "Probe.java"
    source.write_text(program)
    subprocess.run(["javac", "-cp", EXTENSION, "-d", folder, source], check=True)
    command = ["java", "-cp", f"{folder}:{EXTENSION}", "datapipe.connect.Probe"]
    return [int(line.split()[0]) for line in printed_by(command)]


def test_restarts_come_soon_and_then_every_minute(tmp_path: Path) -> None:
    seconds = printed_seconds(PROBE, tmp_path)
    assert seconds[:6] == [15, 45, 105, 165, 225, 285], "15 s, 30 s, then every minute"
    later = [second for second in seconds if second >= 4500]
    assert later[:2] == [4515, 4545], "ten minutes without failure reset the delay"


def test_a_part_that_stays_unassigned_longer_than_a_rebalance_is_stuck(tmp_path: Path) -> None:
    assert printed_seconds(REBALANCES, tmp_path)[:2] == [245, 250]
