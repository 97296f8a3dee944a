package datapipe.maintenance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * Runs scenarios of the maintenance; a command a line, an answer a line.
 *
 * <pre>
 * open FOLDER SEED                a table and its sink
 * commits COUNT HOURS_AGO         so many commits of the sink
 * write HOURS_AGO                 a file that the sink does not commit
 * commit                          the sink, restarted, commits what the table does not have
 * foreign COUNT                   commits of another program, without the sink's offsets
 * maintain MAX_AGE_HOURS COUNT    "true" if all went well, and what was printed
 * deny                            from now on the files can't be deleted
 * allow
 * age HOURS                       makes every file older
 * state                           metadata, snapshots, files of data, whether all rows are there once
 * sweep kill|sink|second FOLDER STEP   it happens before each STEPth operation; the failures
 * </pre>
 */
public final class MaintenanceScenarios {
  private static final int MANY = 1000;
  private static Scenario scenario;

  private MaintenanceScenarios() {}

  public static void main(String[] arguments) throws IOException {
    // The scenarios replace System.out for a while, also on threads of Iceberg's.
    PrintStream answers = System.out;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer;
      try {
        answer = answer(line.split(" "));
      } catch (RuntimeException | IOException | Error failure) {
        failure.printStackTrace();
        answer = "failed: " + failure;
      }
      answers.println(answer.replace("\n", " "));
    }
  }

  private static String answer(String[] words) throws IOException {
    switch (words[0]) {
      case "open":
        scenario = new Scenario(Path.of(words[1]), Long.parseLong(words[2]));
        return scenario.metadata();
      case "commits":
        scenario.commits(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
        return scenario.metadata();
      case "write":
        scenario.sink.write(scenario.random.rows(7, Integer.parseInt(words[1])));
        return "written";
      case "commit":
        scenario.sink.commit();
        return "committed";
      case "foreign":
        for (int i = 0; i < Integer.parseInt(words[1]); i++) {
          scenario.table().newFastAppend().commit();
        }
        return scenario.metadata();
      case "maintain":
        scenario.printed.clear();
        Duration age = Duration.ofHours(Long.parseLong(words[1]));
        boolean isDone =
            scenario.maintain(scenario.settings(age, Integer.parseInt(words[2])));
        return isDone + " | " + String.join(" | ", scenario.printed);
      case "deny":
        Faults.set(MaintenanceScenarios::deny);
        return "denied";
      case "allow":
        Faults.clear();
        return "allowed";
      case "age":
        scenario.age(Duration.ofHours(Long.parseLong(words[1])));
        return "aged";
      case "state":
        return state();
      case "sweep":
        return sweep(words[1], Path.of(words[2]), Integer.parseInt(words[3]));
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  private static void deny(String operation, String location) {
    if (operation.equals("delete")) {
      throw new IllegalStateException("Access Denied");
    }
  }

  private static String state() throws IOException {
    List<String> parts = new ArrayList<>();
    parts.add("metadata=" + scenario.metadata());
    long snapshots = 0;
    for (var snapshot : scenario.table().snapshots()) {
      snapshots += snapshot == null ? 0 : 1;
    }
    parts.add("snapshots=" + snapshots);
    parts.add("live=" + scenario.table().currentSnapshot().summary().get("total-data-files"));
    parts.add("data=" + scenario.files().stream().filter(f -> f.endsWith(".parquet")).count());
    parts.add("files=" + scenario.files().size());
    parts.add("rows=" + scenario.hasAllRowsOnce());
    parts.add("missing=" + scenario.missingFiles().size());
    return String.join(" ", parts);
  }

  /** Lets something happen before one operation; in another table before a later one, and so on. */
  private static String sweep(String event, Path folder, int step) throws IOException {
    List<String> failures = new ArrayList<>();
    int operations = MANY;
    for (int at = 1; at <= operations; at += step) {
      Scenario each = new Scenario(folder.resolve(event + at), at);
      prepare(each);
      Settings settings = each.settings(Duration.ZERO, 1);
      AtomicInteger count = new AtomicInteger();
      int moment = at;
      Faults.set((operation, file) -> happen(event, each, settings, count.incrementAndGet(), moment));
      boolean isDone = false;
      try {
        isDone = each.maintain(settings) || event.equals("kill");
      } catch (Faults.Killed killed) {
        isDone = true;
      } finally {
        Faults.clear();
      }
      if (count.get() < at) {
        operations = count.get();
        break;
      }
      String problem = problem(each, settings, isDone);
      if (problem != null) {
        failures.add(event + " before operation " + at + ": " + problem);
      }
      delete(folder.resolve(event + at));
    }
    return operations + " operations | " + String.join(" | ", failures);
  }

  /** A table whose first hour is compacted already, and whose second is not. */
  private static void prepare(Scenario scenario) throws IOException {
    scenario.commits(2, 4);
    scenario.maintain(scenario.settings(Duration.ZERO, 1));
    scenario.commits(2, 3);
    scenario.commits(1, 0);
    scenario.sink.write(scenario.random.rows(7, 3));
    scenario.age(Duration.ofHours(2));
    scenario.printed.clear();
  }

  private static void happen(
      String event, Scenario scenario, Settings settings, int now, int moment) {
    if (event.equals("kill") && now >= moment) {
      throw new Faults.Killed();
    }
    if (now != moment) {
      return;
    }
    if (event.equals("sink")) {
      scenario.sink.commit();
    }
    if (event.equals("second") && !scenario.maintain(settings)) {
      throw new IllegalStateException("The second run failed: " + scenario.printed);
    }
  }

  private static String problem(Scenario scenario, Settings settings, boolean isDone)
      throws IOException {
    if (!isDone) {
      return "it failed: " + scenario.printed;
    }
    if (!scenario.missingFiles().isEmpty()) {
      return "missing: " + scenario.missingFiles();
    }
    scenario.sink.commit();
    if (!scenario.hasAllRowsOnce()) {
      return "other rows than the sink has written";
    }
    scenario.printed.clear();
    if (!scenario.maintain(settings)) {
      return "the next run failed: " + scenario.printed;
    }
    scenario.sink.commit();
    if (!scenario.hasAllRowsOnce()) {
      return "other rows after the next run";
    }
    return scenario.missingFiles().isEmpty() ? null : "missing after the next run";
  }

  private static void delete(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).collect(Collectors.toList())) {
        Files.delete(file);
      }
    }
  }
}
