package datapipe.postgres;

import io.debezium.connector.postgresql.SourceInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/** Gives each row that is read an offset of its table. */
final class SnapshotProgress {
  static final String SNAPSHOT = SourceInfo.SNAPSHOT_KEY;
  static final String LAST_RECORD = SourceInfo.LAST_SNAPSHOT_RECORD_KEY;

  private static final String SOURCE = "source";
  private static final String OPERATION = "op";
  private static final String TIME = "ts_ms";
  private static final String TRUNCATE = "t";
  /** MarkedSnapshotter's rows before those of a table. */
  private static final int MARKS = 2;

  private final SnapshotStart start;
  private final Map<String, Map<String, Object>> handedOver;
  /** The tables of which no row came yet whose policies may hide rows. */
  private final Set<String> unchecked;
  private final Map<String, TableRows> tables = new HashMap<>();
  private boolean isFinished;

  /** Each table's newest offset is put into `handedOver`. */
  SnapshotProgress(SnapshotStart start, Map<String, Map<String, Object>> handedOver) {
    this.start = start;
    unchecked = start.shownByPolicies();
    this.handedOver = handedOver;
  }

  /** Returns whether a record came that is not of the snapshot. */
  boolean isFinished() {
    return isFinished;
  }

  /**
   * Checks the policies of tables of which the first rows came, and at the end those of empty ones.
   *
   * <p>The query of a table's rows has locked it, so nobody can change its policies meanwhile.
   */
  void requireAllRows(List<SourceRecord> records) {
    if (unchecked.isEmpty()) {
      return;
    }
    Set<String> read = new HashSet<>(unchecked);
    if (records.stream().allMatch(record -> isOfSnapshot(record) && !isLast(record))) {
      read.retainAll(records.stream().map(record -> name(source(record)))
          .collect(Collectors.toSet()));
    }
    if (!read.isEmpty()) {
      start.requireSamePolicies(read);
      unchecked.removeAll(read);
    }
  }

  private static Struct source(SourceRecord record) {
    return ((Struct) record.value()).getStruct(SOURCE);
  }

  private static String name(Struct source) {
    return source.getString("schema") + "." + source.getString("table");
  }

  private static boolean isLast(SourceRecord record) {
    return Boolean.TRUE.equals(record.sourceOffset().get(LAST_RECORD));
  }

  private static boolean isOfSnapshot(SourceRecord record) {
    return Boolean.TRUE.equals(record.sourceOffset().get(SNAPSHOT));
  }

  /** Returns the record with its table's offset; empty if it is the second mark of a table. */
  Optional<SourceRecord> apply(SourceRecord record) {
    if (!isOfSnapshot(record)) {
      isFinished = true;
      return Optional.of(record);
    }
    Struct source = source(record);
    return tables.computeIfAbsent(record.topic(), topic -> new TableRows(source))
        .apply(record, source);
  }

  private final class TableRows {
    private final String table;
    private final TableReading reading;
    private final Map<String, Object> partition;
    private final Map<String, Object> common;
    private final String ordering;
    private int marksLeft;

    TableRows(Struct source) {
      table = name(source);
      reading = start.reading(table);
      partition = TableOffsets.partition(table);
      common = TableOffsets.unresumable(
          start.from(table), source.getInt64(TableOffsets.LSN), start.position);
      ordering = start.ordering(table);
      marksLeft = reading.isMarked ? MARKS : 0;
    }

    Optional<SourceRecord> apply(SourceRecord record, Struct source) {
      String place = String.valueOf(source.get(SNAPSHOT));
      boolean isLast = place.startsWith("last");
      boolean isMark = marksLeft > 0;
      Map<String, Object> offset = isLast ? TableOffsets.with(common, TableOffsets.COMPLETE)
          : isMark ? TableOffsets.with(common, TableOffsets.BEGUN)
          : TableOffsets.after(common, ordering, record.key());
      SourceRecord marked = record;
      if (isMark) {
        marksLeft--;
        if (start.makesTruncates) {
          if (marksLeft < MARKS - 1 && !isLast) {
            return Optional.empty();
          }
          marked = truncate(record, source);
        }
      } else if (place.startsWith("first") && reading.how == TableReading.How.RESUMED) {
        source.put(SNAPSHOT, "true"); // TruncateFirst would take it for a mark
      }
      handedOver.put(table, offset);
      // The last record of all ends Debezium's snapshot.
      return Optional.of(
          isLast(record) ? marked : ResumingTask.with(marked, partition, offset));
    }
  }

  /** Returns the TRUNCATE that comes just before a table's rows. */
  private static SourceRecord truncate(SourceRecord record, Struct source) {
    Struct event = (Struct) record.value();
    source.put(TableOffsets.LSN, source.getInt64(TableOffsets.LSN) - 1);
    Struct truncate = new Struct(event.schema())
        .put(OPERATION, TRUNCATE)
        .put(TIME, event.get(TIME))
        .put(SOURCE, source);
    return new SourceRecord(record.sourcePartition(), record.sourceOffset(), record.topic(), null,
        null, null, record.valueSchema(), truncate, record.timestamp(), record.headers());
  }
}
