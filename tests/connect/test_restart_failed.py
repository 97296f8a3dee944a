"""Failed connectors and tasks are restarted, soon at first and then every minute.

That it happens on a real worker is shown by tests/chaos and `make chaos`.
"""

import subprocess
from pathlib import Path

EXTENSION = Path(__file__).parents[2] / "components/streaming/connect/java/extensions.jar"
PROBE = """\
package datapipe.connect;

import java.util.Set;

/** Prints the seconds at which a part that fails for an hour, then is well, then fails, is due. */
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


def test_restarts_come_soon_and_then_every_minute(tmp_path: Path) -> None:
    jar, source = EXTENSION, tmp_path / "Probe.java"
    source.write_text(PROBE)
    subprocess.run(["javac", "-cp", jar, "-d", tmp_path, source], check=True)
    command = ["java", "-cp", f"{tmp_path}:{jar}", "datapipe.connect.Probe"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = [int(line.split()[0]) for line in done.stdout.splitlines()]
    assert seconds[:6] == [15, 45, 105, 165, 225, 285], "15 s, 30 s, then every minute"
    later = [second for second in seconds if second >= 4500]
    assert later[:2] == [4515, 4545], "what was well for ten minutes starts anew"
