package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresOffsetContext;
import io.debezium.connector.postgresql.SourceInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Gives records that share a position in the WAL offsets from which none of them is skipped.
 *
 * <p>COPY writes many rows into one WAL record, TRUNCATE several tables, and an update that changes a
 * key becomes a delete and an insert. Debezium goes on after the last position that was committed. If
 * that was in the middle of such records, it skips the others, and says nothing.
 *
 * <p>So the offset of a record after which others of its position can come has two things in addition:
 * Debezium's offset before that position ("before.*"), and how many records of the position it includes
 * ("records"). Debezium begins with the first, and so reads the position again; the records that
 * were committed are left out here.
 *
 * <p>The list of captured tables may change before that. Then a TRUNCATE of several tables has other
 * records than were counted, so the offset names the topics of those that it includes ("truncated.*").
 */
final class SharedPositions {
  private static final String BEFORE = "before.";
  private static final String RECORDS = "records";
  private static final String TRUNCATED = "truncated.";
  private static final String POSITION = PostgresOffsetContext.LAST_COMPLETELY_PROCESSED_LSN_KEY;
  private static final String COMMIT_POSITION = PostgresOffsetContext.LAST_COMMIT_LSN_KEY;
  private static final String TRUNCATE = "TRUNCATE";
  private static final String BEGIN = "BEGIN";
  private static final Set<String> BOUNDARIES = Set.of(BEGIN, "COMMIT");
  private static final String HEARTBEAT = "io.debezium.connector.common.Heartbeat";

  /** The committed offset, while its records are expected again. */
  private final Map<String, ?> stored;
  /** Whether that is of a change, in whose transaction the task goes on. */
  private final boolean isInTransaction;
  private long toLeaveOut;
  /** The topics of these records, if they are of a TRUNCATE. */
  private final Set<String> truncatedToLeaveOut = new HashSet<>();

  /** An offset of the position that is written; null after a boundary. */
  private Map<String, ?> position;
  private long records;
  /** The topics whose tables a TRUNCATE at the position has truncated; none for other changes. */
  private final Set<String> truncated = new HashSet<>();
  /** The offset before the position. */
  private Map<String, ?> before;
  /** Debezium's offset of the record before. */
  private Map<String, ?> previous;

  /** `stored` is the offset that was committed last, or null. */
  SharedPositions(Map<String, ?> stored) {
    this.stored = stored;
    isInTransaction = stored != null && isChange(stored);
    previous = stored == null ? null : beginning(stored);
    if (stored != null && stored.containsKey(RECORDS)) {
      position = stored;
      records = ((Number) stored.get(RECORDS)).longValue();
      toLeaveOut = records;
      before = previous;
      stored.keySet().stream().filter(name -> name.startsWith(TRUNCATED))
          .forEach(name -> truncatedToLeaveOut.add(name.substring(TRUNCATED.length())));
      truncated.addAll(truncatedToLeaveOut);
    }
  }

  /** Returns the offset with which Debezium begins again. */
  static Map<String, ?> beginning(Map<String, ?> stored) {
    Map<String, Object> offset = new HashMap<>(stored);
    if (stored.containsKey(RECORDS)) {
      offset.clear();
      stored.forEach((name, value) -> {
        if (name.startsWith(BEFORE)) {
          offset.put(name.substring(BEFORE.length()), value);
        }
      });
    }
    // What the slot may have confirmed. Without it, in a slot's first transaction, Debezium would
    // begin with the transaction, and confirms the position of each change.
    if (isChange(stored)) {
      Object commit = stored.get(COMMIT_POSITION);
      offset.put(COMMIT_POSITION, commit == null ? stored.get(POSITION) : commit);
    }
    return offset;
  }

  /** Returns the records that were not committed yet, with their offsets. */
  List<SourceRecord> apply(List<SourceRecord> batch) {
    List<SourceRecord> applied = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      SourceRecord record = batch.get(i);
      if (record.sourcePartition().containsKey(TableOffsets.TABLE)) {
        applied.add(record);
        continue;
      }
      Map<String, ?> offset = record.sourceOffset();
      if (isHeartbeat(record)) {
        applied.add(heartbeat(record));
        if (isBegunAgain(offset)) {
          continue;
        }
      } else if (isChange(offset)) {
        if (isNew(record)) {
          applied.add(isLast(batch, i) ? record : with(record, partial(offset)));
        }
      } else if (isBegunAgain(offset)) {
        continue;
      } else {
        toLeaveOut = 0;
        position = null;
        applied.add(record);
      }
      previous = offset;
    }
    return applied;
  }

  /** Counts a change; returns whether it was not committed before. */
  private boolean isNew(SourceRecord record) {
    Map<String, ?> offset = record.sourceOffset();
    if (!isSamePosition(offset, position)) {
      position = offset;
      records = 0;
      toLeaveOut = 0;
      truncated.clear();
      truncatedToLeaveOut.clear();
      before = previous == null ? justBefore(offset) : previous;
    }
    if (toLeaveOut > 0
        && (truncatedToLeaveOut.isEmpty() || truncatedToLeaveOut.remove(record.topic()))) {
      toLeaveOut--;
      return false;
    }
    records++;
    // A TRUNCATE has no key, so most changes need no look-up.
    if (record.keySchema() == null && TRUNCATE.equals(offset.get(SourceInfo.MSG_TYPE_KEY))) {
      truncated.add(record.topic());
    }
    return true;
  }

  /** A heartbeat has the offset of the record before it. */
  private SourceRecord heartbeat(SourceRecord record) {
    Map<String, ?> offset = record.sourceOffset();
    boolean hasNothingNew = toLeaveOut > 0 && stored.get(RECORDS).equals(records);
    if (hasNothingNew || isBegunAgain(offset)) {
      return with(record, new HashMap<>(stored));
    }
    return isChange(offset) && isSamePosition(offset, position)
        ? with(record, partial(offset)) : record;
  }

  /** Returns whether the next record shows that no other change of this position comes. */
  private static boolean isLast(List<SourceRecord> batch, int index) {
    if (index + 1 == batch.size() || isHeartbeat(batch.get(index + 1))) {
      return false;
    }
    Map<String, ?> next = batch.get(index + 1).sourceOffset();
    return !isChange(next) || !isSamePosition(next, batch.get(index).sourceOffset());
  }

  private Map<String, Object> partial(Map<String, ?> offset) {
    Map<String, Object> more = new HashMap<>(offset);
    before.forEach((name, value) -> more.put(BEFORE + name, value));
    more.put(RECORDS, records);
    // An offset of before 28 November 2026 has counted some without their names.
    if (truncated.size() == records) {
      truncated.forEach(topic -> more.put(TRUNCATED + topic, true));
    }
    return more;
  }

  /** Returns an offset for the first transaction of a slot whose tables had no rows to read. */
  private static Map<String, Object> justBefore(Map<String, ?> offset) {
    Map<String, Object> earlier = new HashMap<>(offset);
    earlier.keySet().retainAll(Set.of(SourceInfo.TIMESTAMP_USEC_KEY));
    long position = ((Number) offset.get(POSITION)).longValue() - 1;
    earlier.put(SourceInfo.LSN_KEY, position);
    earlier.put(POSITION, position);
    return earlier;
  }

  /** Returns whether it is the offset of a change, and not of a row that is read, or a boundary. */
  private static boolean isChange(Map<String, ?> offset) {
    Object kind = offset.get(SourceInfo.MSG_TYPE_KEY);
    return kind != null && !BOUNDARIES.contains(kind) && offset.get(POSITION) != null
        && !offset.containsKey(SourceInfo.SNAPSHOT_KEY);
  }

  /**
   * Returns whether it is the offset of the begin of the transaction in which the task goes on. With
   * that as the last offset Debezium would read the transaction again from its first change.
   */
  private boolean isBegunAgain(Map<String, ?> offset) {
    return isInTransaction && BEGIN.equals(offset.get(SourceInfo.MSG_TYPE_KEY))
        && offset.get(SourceInfo.TXID_KEY).equals(stored.get(SourceInfo.TXID_KEY));
  }

  /** Returns whether both are of one transaction and position; the second may be null. */
  private static boolean isSamePosition(Map<String, ?> offset, Map<String, ?> other) {
    return other != null
        && Objects.equals(offset.get(SourceInfo.LSN_KEY), other.get(SourceInfo.LSN_KEY))
        && Objects.equals(offset.get(SourceInfo.TXID_KEY), other.get(SourceInfo.TXID_KEY));
  }

  private static boolean isHeartbeat(SourceRecord record) {
    return record.valueSchema() != null && HEARTBEAT.equals(record.valueSchema().name());
  }

  private static SourceRecord with(SourceRecord record, Map<String, Object> offset) {
    return ResumingTask.with(record, record.sourcePartition(), offset);
  }
}
