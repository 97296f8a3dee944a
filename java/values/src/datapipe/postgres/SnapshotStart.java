package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.relational.TableId;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a connector that has rows to read begins: with all rows, or where it was interrupted.
 *
 * <p>It goes on while the slot is the one with which the reading began and nothing was captured from
 * it, so that every change since then comes after the rows. Rows that are read later have the
 * position of the slot's beginning, too. A table whose reading was interrupted and can't go on needs
 * a slot that begins now: all tables are then read again, from the view of a new slot, and a TRUNCATE
 * comes before the rows of those that were begun.
 *
 * <p>The reader of added tables captures no changes, which the source's connector does. It always
 * takes a new slot, and each table goes on or is read again by itself.
 */
final class SnapshotStart {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotStart.class);

  private static final String GOES_ON = "table.readings.go.on";
  private static final String TABLES = "table.include.list";
  private static final String TRUNCATE_FIRST = "datapipe.connect.TruncateFirst";
  /** The transforms that keep a TRUNCATE. */
  private static final Set<String> KEEP_TRUNCATES =
      Set.of("datapipe.connect.RowOfTruncate", "datapipe.connect.FlattenChanges");

  final String topicPrefix;
  /** The server's position when the connector started. */
  final long position;
  /** Whether the task makes the TRUNCATE of a table that is read again, or a transform does. */
  final boolean makesTruncates;

  private final PostgresConnectorConfig settings;
  private final boolean isReader;
  private final String server;
  private final Map<String, TableKey> keys;
  /** The position up to which the slot's reader has confirmed; that of its beginning, if none has. */
  private final OptionalLong slot;
  private final boolean goesOn;
  private final Map<String, TableReading> tables = new LinkedHashMap<>();

  /** Returns whether a connector reads rows, and its progress can be recorded. */
  static boolean reads(Configuration config, OffsetStorageReader offsets) {
    Map<String, Object> offset = debeziums(config, offsets);
    return offset == null || isUnfinished(offset);
  }

  /** Returns whether the connector was interrupted and streams from the beginning of its slot. */
  static boolean goesOn(Configuration config) {
    return config.getBoolean(GOES_ON, false);
  }

  /**
   * Decides how each table is read, by the offsets that Connect has stored and newer ones.
   *
   * @throws ConnectException where the rows that were read are of another server, and where a table
   *     is not there or hides rows
   */
  static SnapshotStart prepare(
      Configuration config, OffsetStorageReader reader, Map<String, Map<String, Object>> newer) {
    PostgresConnectorConfig settings = new PostgresConnectorConfig(config);
    try (PostgresConnection connection =
        DatabaseConnections.open(settings.getJdbcConfig(), "Debezium Snapshot Start")) {
      SourceServer source =
          new SourceServer(connection, settings, config.getString("slot.name"));
      Map<String, Map<String, Object>> offsets = offsets(config, reader);
      offsets.putAll(newer);
      Map<String, TableKey> keys = TableKey.read(connection, captured(config));
      requireAll(config, keys.keySet());
      requireAllRows(keys, settings.getJdbcConfig().getUser());
      return new SnapshotStart(config, settings, source, keys, offsets);
    } catch (SQLException error) {
      throw SourceServer.failure("how far its rows are read", error);
    }
  }

  private SnapshotStart(Configuration config, PostgresConnectorConfig settings, SourceServer source,
      Map<String, TableKey> keys, Map<String, Map<String, Object>> offsets) throws SQLException {
    this.settings = settings;
    this.keys = keys;
    topicPrefix = config.getString("topic.prefix");
    isReader = config.getBoolean(ContinuousSnapshotter.SLOT_IS_DROPPED, false);
    server = source.systemIdentifier() + "/" + source.timeline();
    position = source.position();
    if (!isReader) {
      refuseAnotherServer(offsets, config.getString("slot.name"));
    }
    slot = source.isLost() ? OptionalLong.empty() : source.confirmed();
    List<String> captured = captured(config);
    goesOn = !isReader && slot.isPresent() && !offsets.isEmpty()
        && captured.stream().allMatch(table -> goesOn(table, offsets.get(table)));
    if (!goesOn) {
      source.dropSlot();
    }
    boolean marksAll = MarkedSnapshotter.class.getName().equals(snapshotter(config));
    boolean keepsTruncates = KEEP_TRUNCATES.stream().anyMatch(config.asMap()::containsValue);
    makesTruncates = !config.asMap().containsValue(TRUNCATE_FIRST);
    for (String table : captured) {
      TableReading reading = reading(table, offsets.get(table));
      boolean isAgain = reading.how == TableReading.How.AGAIN;
      boolean isMarked = isAgain && (marksAll || keepsTruncates)
          || reading.how == TableReading.How.NEW && marksAll;
      tables.put(table, reading.marked(isMarked));
      LOG.info("the rows of {} are read: {}", table, reading.how);
      if (isAgain && !isMarked) {
        LOG.warn("the rows of {} that were read before come twice, as no transform keeps a TRUNCATE",
            table);
      }
    }
  }

  /**
   * Refuses to begin while a captured table is not there, such as under another name.
   *
   * <p>If it came back after the others were read, its changes would be captured without its rows.
   */
  static void requireAll(Configuration config, Set<String> found) {
    List<String> missing = captured(config).stream()
        .filter(table -> !found.contains(table)).collect(Collectors.toList());
    if (!missing.isEmpty()) {
      throw new ConnectException("there is no table " + String.join(", ", missing)
          + ", whose existing rows are to be read: create it, rename it back, or take it off the stack"
          + " file's tables and run make up");
    }
  }

  private static void requireAllRows(Map<String, TableKey> keys, String account) {
    List<String> hidden = keys.keySet().stream()
        .filter(table -> keys.get(table).hidesRows).sorted().collect(Collectors.toList());
    if (!hidden.isEmpty()) {
      throw new ConnectException("row level security hides rows of " + String.join(", ", hidden)
          + " from " + account + ", which captures");
    }
  }

  /** Returns the tables that have row level security, and policies that show all rows. */
  Set<String> shownByPolicies() {
    return keys.keySet().stream()
        .filter(table -> !keys.get(table).policies.isEmpty()).collect(Collectors.toSet());
  }

  /**
   * Has the task start again where the policies of tables are others than at its start.
   *
   * @throws RetriableException before rows count as read that are not all that the table has
   */
  void requireSamePolicies(Set<String> tables) {
    List<String> shown = new ArrayList<>(tables);
    try (PostgresConnection connection =
        DatabaseConnections.open(settings.getJdbcConfig(), "Debezium Snapshot End")) {
      Map<String, TableKey> now = TableKey.read(connection, shown);
      shown.removeIf(table -> now.containsKey(table)
          && now.get(table).policies.equals(keys.get(table).policies));
    } catch (SQLException error) {
      throw SourceServer.failure("whether policies hid rows", error);
    }
    if (!shown.isEmpty()) {
      throw new RetriableException("the policies of " + String.join(", ", shown)
          + " changed after the snapshot began");
    }
  }

  static String name(TableId table) {
    return table.schema() + "." + table.table();
  }

  /** Adds what the snapshotter must know. Tables that can't go on come first, so they end first. */
  Configuration addTo(Configuration config) {
    Configuration.Builder more = config.edit().with(GOES_ON, goesOn);
    tables.forEach((table, reading) -> reading.addTo(more, table));
    return more.with(TABLES, tables.keySet().stream()
        .sorted(Comparator.comparing(table -> tables.get(table).order.isPresent()))
        .collect(Collectors.joining(","))).build();
  }

  TableReading reading(String table) {
    return tables.get(table);
  }

  /** Returns what identifies a table's rows in its offsets. */
  String from(String table) {
    TableKey key = keys.get(table);
    return server + "/" + key.oid + (key.policies.isEmpty() ? "" : "/" + key.policies);
  }

  /** Returns what the order of a table's keys depends on. */
  String ordering(String table) {
    return keys.get(table).ordering();
  }

  private TableReading reading(String table, Map<String, Object> offset) {
    TableKey found = keys.get(table);
    Optional<TableKey> key = Optional.of(found).filter(TableKey::isOrdered);
    Map<String, Object> usable = isUsable(table, offset) ? offset : Map.of();
    Optional<String> order = key.map(TableKey::order);
    Optional<String> after = key.flatMap(columns -> columns.after(usable));
    TableReading.How how = TableReading.How.NEW;
    if (usable.containsKey(TableOffsets.COMPLETE)) {
      how = TableReading.How.COMPLETE;
    } else if (usable.containsKey(TableOffsets.BEGUN) || after.isPresent()) {
      how = TableReading.How.RESUMED;
    } else if (offset != null) {
      how = TableReading.How.AGAIN;
    }
    return new TableReading(how, Optional.of(found.condition()), found.isPlain, order, after, false);
  }

  private boolean isUsable(String table, Map<String, Object> offset) {
    return offset != null && from(table).equals(offset.get(TableOffsets.FROM))
        && (isReader ? TableOffsets.number(offset, TableOffsets.AT) <= position
            : goesOn && isOfSlot(offset));
  }

  private boolean isOfSlot(Map<String, Object> offset) {
    return slot.isPresent() && TableOffsets.number(offset, TableOffsets.LSN) == slot.getAsLong();
  }

  /** Returns whether a table's rows can be read with the present slot. */
  private boolean goesOn(String table, Map<String, Object> offset) {
    boolean isOrdered = keys.get(table).isOrdered();
    if (offset == null) {
      return isOrdered;
    }
    if (!isOfSlot(offset)) { // a TRUNCATE just before the slot's beginning must come after its rows
      return isOrdered && TableOffsets.number(offset, TableOffsets.LSN) < slot.getAsLong();
    }
    return from(table).equals(offset.get(TableOffsets.FROM))
        && (offset.containsKey(TableOffsets.COMPLETE)
            || isOrdered && (offset.containsKey(TableOffsets.BEGUN)
                || keys.get(table).after(offset).isPresent()));
  }

  /** Refuses rows of another server, or of a later state of this one, as Continuity does changes. */
  private void refuseAnotherServer(Map<String, Map<String, Object>> offsets, String slotName) {
    for (Map<String, Object> offset : offsets.values()) {
      Object from = offset.get(TableOffsets.FROM);
      boolean isOther = from != null
          && !from.toString().split("/")[0].equals(server.split("/")[0]);
      long reached = Math.max(TableOffsets.number(offset, TableOffsets.LSN),
          offset.containsKey(TableOffsets.AT) ? TableOffsets.number(offset, TableOffsets.AT) : 0);
      if (isOther || position < reached) {
        ContinuityState.of(slotName).update(false);
        throw new ConnectException("the first rows were read from "
            + (isOther ? "another server" : "a later state of the server, which is restored or was"
                + " promoted without its last changes") + ". Run make recover SOURCE=" + topicPrefix);
      }
    }
  }

  /** Returns the stored offsets by table; where only Debezium's is there, one of an unknown table. */
  private static Map<String, Map<String, Object>> offsets(
      Configuration config, OffsetStorageReader reader) {
    Map<String, Map<String, Object>> partitions = new HashMap<>();
    captured(config).forEach(table -> partitions.put(table, TableOffsets.partition(table)));
    Map<Map<String, Object>, Map<String, Object>> stored = reader.offsets(partitions.values());
    Map<String, Object> unfinished = debeziums(config, reader);
    Map<String, Map<String, Object>> offsets = new HashMap<>();
    partitions.forEach((table, partition) -> {
      Map<String, Object> offset = stored.get(partition);
      if (offset != null) {
        offsets.put(table, offset);
      } else if (unfinished != null) {
        offsets.put(table, Map.of(TableOffsets.LSN, unfinished.get(TableOffsets.LSN)));
      }
    });
    return offsets;
  }

  private static Map<String, Object> debeziums(Configuration config, OffsetStorageReader reader) {
    return reader.offset(Map.of("server", config.getString("topic.prefix")));
  }

  private static String snapshotter(Configuration config) {
    return config.getString("snapshot.custom.class");
  }

  private static boolean isUnfinished(Map<String, Object> offset) {
    return Boolean.TRUE.equals(offset.get(SnapshotProgress.SNAPSHOT))
        && !Boolean.TRUE.equals(offset.get(SnapshotProgress.LAST_RECORD));
  }

  private static List<String> captured(Configuration config) {
    return Arrays.stream(config.getString(TABLES).split(","))
        .map(String::trim).collect(Collectors.toList());
  }
}
