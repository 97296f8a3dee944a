package datapipe.maintenance;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;

/**
 * Erases keys from a table; a command a line, an answer a line.
 *
 * <pre>
 * open FOLDER SEED                 a table and its sink
 * others COUNT HOURS_AGO           rows of other keys, which the sink writes
 * person ID NAME OP LSN HOURS_AGO  a row, which the sink writes
 * commit                           the sink commits what it has written
 * maintain                         the maintenance runs
 * tag                              a tag refers to the present snapshot
 * age HOURS                        makes every file older
 * erase WAIT dry|now KEY           "true" if the rows are gone, and what was printed
 * state                            snapshots, and whether the table has exactly the other rows
 * sweep kill|sink EVERY FOLDER     it happens before every so many operations of an erasure in turn
 * </pre>
 */
public final class ErasureScenarios {
  private static final int MANY = 1000;
  private static final long PERSON = 1000;
  private static final String MARK = "Ada Lovelace of Ockham";

  private final Scenario scenario;
  private final RowDigest others = new RowDigest();

  private ErasureScenarios(Path folder, long seed) throws IOException {
    scenario = new Scenario(folder, seed);
    // S3 lists a folder that does not exist.
    Files.createDirectories(folder.resolve("erasures"));
  }

  public static void main(String[] arguments) throws IOException {
    // The scenarios replace System.out for a while, also on threads of Iceberg's.
    PrintStream answers = System.out;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    ErasureScenarios each = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ", line.startsWith("erase") ? 4 : 0);
      String answer;
      try {
        if (words[0].equals("open")) {
          each = new ErasureScenarios(Path.of(words[1]), Long.parseLong(words[2]));
          answer = "opened";
        } else {
          answer = words[0].equals("sweep") ? sweep(words) : each.answer(words);
        }
      } catch (RuntimeException | IOException | Error failure) {
        failure.printStackTrace();
        answer = "failed: " + failure;
      }
      answers.println(answer.replace("\n", " "));
    }
  }

  private String answer(String[] words) throws IOException {
    switch (words[0]) {
      case "others":
        writeOthers(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
        return "written";
      case "person":
        writePerson(
            Long.parseLong(words[1]),
            words[2],
            words[3],
            Long.parseLong(words[4]),
            Integer.parseInt(words[5]));
        return "written";
      case "commit":
        scenario.sink.commit();
        return "committed";
      case "maintain":
        return String.valueOf(scenario.maintain(settings()));
      case "tag":
        scenario.table().manageSnapshots()
            .createTag("kept", scenario.table().currentSnapshot().snapshotId()).commit();
        return "tagged";
      case "age":
        scenario.age(Duration.ofHours(Long.parseLong(words[1])));
        return "aged";
      case "erase":
        return erase(words[3], words[2].equals("dry"), Integer.parseInt(words[1]));
      case "state":
        int snapshots = 0;
        for (var snapshot : scenario.table().snapshots()) {
          snapshots += snapshot == null ? 0 : 1;
        }
        return "snapshots=" + snapshots + " others=" + hasExactlyTheOthers();
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  private Settings settings() {
    return scenario.settings(Duration.ofDays(1), 100);
  }

  private void writeOthers(int count, int hoursAgo) throws IOException {
    List<Record> rows = scenario.random.rows(count, hoursAgo);
    rows.forEach(others::add);
    scenario.sink.write(rows);
  }

  private void writePerson(long id, String name, String operation, long lsn, int hoursAgo)
      throws IOException {
    Record row = scenario.random.rows(1, hoursAgo).get(0);
    row.setField("id", id);
    row.setField("name", name);
    row.setField("__op", operation);
    row.setField("__source_lsn", lsn);
    if (id != PERSON) {
      others.add(row);
    }
    scenario.sink.write(List.of(row));
  }

  private String erase(String key, boolean isDryRun, int wait) {
    List<String> options =
        new ArrayList<>(
            List.of("--table", Scenario.NAME, "--key", key, "--wait", String.valueOf(wait)));
    if (isDryRun) {
      options.add("--dry-run");
    }
    PrintStream usual = System.out;
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    System.setOut(new PrintStream(lines, true, StandardCharsets.UTF_8));
    boolean isDone;
    try {
      ArchiveTable table =
          new ArchiveTable(Scenario.NAME, (BaseTable) scenario.table(), settings());
      isDone = new Erasure(table, ErasureRequest.parse(options), new StopSignal()).run();
    } finally {
      System.setOut(usual);
    }
    return isDone + " | " + String.join(" | ", lines.toString(StandardCharsets.UTF_8).lines().toList());
  }

  private boolean hasExactlyTheOthers() throws IOException {
    RowDigest found = new RowDigest();
    try (CloseableIterable<Record> rows = IcebergGenerics.read(scenario.table()).build()) {
      rows.forEach(found::add);
    }
    return found.equalsIn(others);
  }

  /** Lets something happen before the first operation, then before the second, and so on. */
  private static String sweep(String[] words) throws IOException {
    String event = words[1];
    int step = Integer.parseInt(words[2]);
    List<String> failures = new ArrayList<>();
    int operations = MANY;
    for (int at = 1; at <= operations; at += step) {
      ErasureScenarios each = new ErasureScenarios(Path.of(words[3], event + at), at);
      each.prepare();
      AtomicInteger count = new AtomicInteger();
      int moment = at;
      Faults.set((operation, file) -> each.happen(event, count.incrementAndGet(), moment));
      String outcome = "";
      try {
        outcome = each.erase("{\"id\": 1000}", false, 60);
      } catch (RuntimeException | Faults.Killed failure) {
        // Iceberg's threads wrap what happens to them.
        outcome = event.equals("kill") ? "true" : failure.toString();
      } finally {
        Faults.clear();
      }
      if (count.get() < at) {
        operations = at - 1;
        break;
      }
      if (!outcome.startsWith("true")) {
        failures.add(event + " before operation " + at + ": " + outcome);
        continue;
      }
      each.scenario.sink.commit();
      String again = each.erase("{\"id\": 1000}", false, 0);
      if (event.equals("kill") && again.startsWith("false")) {
        // A manifest that the killed commit has left is deleted once it is old enough.
        each.scenario.age(Duration.ofHours(2));
        again = each.erase("{\"id\": 1000}", false, 0);
      }
      if (!again.startsWith("true") || !each.hasExactlyTheOthers()) {
        failures.add(event + " before operation " + at + ", again: " + again);
      } else if (!each.scenario.missingFiles().isEmpty()) {
        failures.add(event + " before operation " + at + ": " + each.scenario.missingFiles());
      }
    }
    return operations + " operations | " + String.join(" | ", failures);
  }

  /** A compacted hour, and an open one; the sink has written rows of the key that it commits later. */
  private void prepare() throws IOException {
    for (int hour : new int[] {4, 4, 0}) {
      writeOthers(5, hour);
      writePerson(PERSON, MARK, "u", 7, hour);
      scenario.sink.commit();
    }
    scenario.maintain(settings());
    writeOthers(5, 0);
    scenario.sink.commit();
    writeOthers(3, 0);
  }

  private void happen(String event, int now, int moment) {
    if (event.equals("kill") && now >= moment) {
      throw new Faults.Killed();
    }
    if (event.equals("sink") && now == moment) {
      try {
        writePerson(PERSON, MARK, "u", 8, 0);
      } catch (IOException failure) {
        throw new IllegalStateException(failure);
      }
      scenario.sink.commit();
    }
  }
}
