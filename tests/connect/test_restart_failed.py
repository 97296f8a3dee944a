"""Failed connectors and tasks are restarted, at first soon and then ever less often.

That it happens on a real worker is shown by tests/chaos and `make chaos`.
"""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox import paths

EXTENSION = Path(__file__).parents[2] / "components/streaming/connect/extensions"
JARS = (
    "org/apache/kafka/connect-api",
    "org/apache/kafka/kafka-clients",
    "org/slf4j/slf4j-api",
    "javax/ws/rs/javax.ws.rs-api",
)

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


def classes(jar: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def worker_jars(tmp_path: Path) -> Path:
    """The jars that the extension compiles against, from where the images' build put them."""
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in JARS:
        found = sorted(paths.cache().glob(f"maven/{name}/*/*.jar"))
        if not found:
            pytest.fail(f"no {name} jar in {paths.cache()}/maven; build the images: make up")
        shutil.copy(found[0], folder)
    return folder


def test_the_committed_jar_is_compiled_from_its_source(worker_jars: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.jar"
    subprocess.run([EXTENSION / "build.sh", worker_jars, fresh], check=True)
    assert classes(EXTENSION / "restart-failed.jar") == classes(fresh)


def test_restarts_come_soon_and_then_ever_less_often(tmp_path: Path) -> None:
    jar, source = EXTENSION / "restart-failed.jar", tmp_path / "Probe.java"
    source.write_text(PROBE)
    subprocess.run(["javac", "-cp", jar, "-d", tmp_path, source], check=True)
    command = ["java", "-cp", f"{tmp_path}:{jar}", "datapipe.connect.Probe"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = [int(line.split()[0]) for line in done.stdout.splitlines()]
    assert seconds[:6] == [15, 45, 105, 225, 465, 765], "15 s, doubled up to five minutes"
    later = [second for second in seconds if second >= 4500]
    assert later[:2] == [4515, 4545], "what was well for ten minutes starts anew"
