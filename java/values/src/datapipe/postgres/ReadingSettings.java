package datapipe.postgres;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Refuses settings of Debezium with which existing rows would be missing, or come again.
 *
 * <p>An interrupted reading goes on after the row that was committed last. So all rows must come from
 * our own query, in the order of their key.
 */
final class ReadingSettings {
  private static final String MODE = "snapshot.mode";
  private static final String SNAPSHOTTER = "snapshot.custom.class";
  /** Of a setting that has no allowed value. */
  private static final String UNSET = null;

  /** The snapshotters that know how far rows are read. */
  private static final List<String> OURS =
      List.of(ContinuousSnapshotter.class.getName(), MarkedSnapshotter.class.getName());

  /** A setting, its only value where it is set, and what another one would do. */
  private static final class Rule {
    final String name;
    final String allowed;
    final String otherwise;

    Rule(String name, String allowed, String otherwise) {
      this.name = name;
      this.allowed = allowed;
      this.otherwise = otherwise;
    }

    String fault(String value) {
      return (allowed == UNSET ? "must not be set"
          : "'" + value + "' is not a valid value; allowed: " + allowed) + " (" + otherwise + ")";
    }
  }

  private static final String ON_A_SIGNAL = "rows that are read on a signal would be missing or come"
      + " twice; bin/datapipe recover tables --again reads a table again";

  private static final List<Rule> RULES = List.of(
      new Rule("snapshot.max.threads", "1",
          "several threads mix the order of rows, and an interrupted reading would miss some"),
      new Rule("snapshot.select.statement.overrides", UNSET,
          "an interrupted reading would begin again and write rows twice, or miss some"),
      new Rule("snapshot.include.collection.list", UNSET,
          "the existing rows of the other tables would be missing"),
      new Rule("message.key.columns", UNSET,
          "an interrupted reading goes on by the primary key, which records would not have"),
      new Rule("signal.data.collection", UNSET, ON_A_SIGNAL),
      new Rule("signal.enabled.channels", "source", ON_A_SIGNAL));

  private ReadingSettings() {}

  /** Returns whether a connector reads rows by our own snapshotter. */
  static boolean areOurs(Map<String, String> properties) {
    return "custom".equals(properties.get(MODE))
        && OURS.contains(String.valueOf(properties.get(SNAPSHOTTER)));
  }

  /** Returns what is wrong, by the name of the setting. */
  static Map<String, String> faults(Map<String, String> properties) {
    Map<String, String> faults = new TreeMap<>();
    if (!areOurs(properties)) {
      faults.put(MODE, "must be custom with " + SNAPSHOTTER + " " + String.join(" or ", OURS)
          + " (other ways to read rows do not go on where they were interrupted)");
    }
    for (Rule rule : RULES) {
      String value = properties.get(rule.name);
      if (value != null && !value.equals(rule.allowed)) {
        faults.put(rule.name, rule.fault(value));
      }
    }
    return faults;
  }

  /** Throws ConnectException with all that is wrong. */
  static void require(Map<String, String> properties) {
    Map<String, String> faults = faults(properties);
    if (!faults.isEmpty()) {
      throw new ConnectException(faults.entrySet().stream()
          .map(fault -> fault.getKey() + ": " + fault.getValue())
          .collect(Collectors.joining("; ")));
    }
  }
}
