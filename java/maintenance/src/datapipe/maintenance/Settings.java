package datapipe.maintenance;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the properties file says.
 *
 * <pre>
 * catalog.*               of Iceberg's catalog, as the sink's iceberg.catalog.*
 * tables                  the catalog's tables, comma separated
 * table.property.*        of each table, which is given those that it lacks
 * key.TABLE               the columns of a table's key, comma separated; absent: it has none
 * prefix                  s3://bucket/prefix, below which the tables are
 * offsets.prefix          of the snapshots' properties by which the sink finds its place
 * snapshots.maxAgeMs      older snapshots are expired
 * snapshots.maxCount      more snapshots are expired
 * files.targetBytes       size of compacted files
 * files.closedAfterMs     from an hour's end until its files are compacted; down to minus an hour,
 *                         with which the present hour counts as closed
 * orphans.minAgeMs        younger files may be those of a commit that is still to come
 * </pre>
 */
record Settings(
    Map<String, String> catalog,
    List<String> tables,
    Map<String, String> tableProperties,
    Map<String, List<String>> keys,
    String prefix,
    String offsetsPrefix,
    Duration snapshotsMaxAge,
    int snapshotsMaxCount,
    long filesTargetBytes,
    Duration filesClosedAfter,
    Duration orphansMinAge) {

  private static final String CATALOG = "catalog.";
  private static final String TABLE_PROPERTY = "table.property.";
  private static final String KEY = "key.";
  private static final long HOUR_MS = Duration.ofHours(1).toMillis();

  /**
   * Read a properties file.
   *
   * @throws InvalidSettingsException if a property is missing or not allowed
   */
  static Settings read(Path file) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      properties.load(reader);
    }
    return new Settings(
        below(properties, CATALOG),
        list(required(properties, "tables")),
        below(properties, TABLE_PROPERTY),
        below(properties, KEY).entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, entry -> list(entry.getValue()))),
        required(properties, "prefix"),
        required(properties, "offsets.prefix"),
        Duration.ofMillis(number(properties, "snapshots.maxAgeMs", 0)),
        Math.toIntExact(number(properties, "snapshots.maxCount", 1)),
        number(properties, "files.targetBytes", 1),
        Duration.ofMillis(number(properties, "files.closedAfterMs", -HOUR_MS)),
        Duration.ofMillis(number(properties, "orphans.minAgeMs", 0)));
  }

  /** The columns of a table's key; empty if it has none. */
  List<String> key(String table) {
    return keys.getOrDefault(table, List.of());
  }

  private static Map<String, String> below(Properties properties, String prefix) {
    Map<String, String> found = new TreeMap<>();
    for (String name : properties.stringPropertyNames()) {
      if (name.startsWith(prefix)) {
        found.put(name.substring(prefix.length()), properties.getProperty(name));
      }
    }
    return found;
  }

  private static String required(Properties properties, String name) {
    String value = properties.getProperty(name, "").strip();
    if (value.isEmpty()) {
      throw new InvalidSettingsException(name + " is missing");
    }
    return value;
  }

  private static long number(Properties properties, String name, long least) {
    String value = required(properties, name);
    try {
      long number = Long.parseLong(value);
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException invalid) {
      // Refused below, together with numbers that are too small.
    }
    throw new InvalidSettingsException(
        name + ": " + value + " is not allowed; allowed: whole numbers from " + least);
  }

  private static List<String> list(String value) {
    return Stream.of(value.split(",")).map(String::strip).filter(each -> !each.isEmpty()).toList();
  }
}
