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
 *
 * <p>A COMMIT's position is the end of its WAL record, where the next change of another transaction
 * begins that was open meanwhile. Debezium takes such a change for the one that was committed last, and
 * skips its transaction up to it. So after a COMMIT it begins with a position that no change has.
 */
final class SharedPositions {
  private static final String BEFORE = "before.";
  private static final String RECORDS = "records";
  private static final String TRUNCATED = "truncated.";
  private static final String POSITION = PostgresOffsetContext.LAST_COMPLETELY_PROCESSED_LSN_KEY;
  private static final String COMMIT_POSITION = PostgresOffsetContext.LAST_COMMIT_LSN_KEY;
  private static final String TRUNCATE = "TRUNCATE";
  private static final String BEGIN = "BEGIN";
  private static final String COMMIT = "COMMIT";
  private static final Set<String> BOUNDARIES = Set.of(BEGIN, COMMIT);
  private static final String HEARTBEAT = "io.debezium.connector.common.Heartbeat";

  /** The committed offset, while its records are expected again. */
  private final Map<String, ?> stored;
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
  /** The offset of the record that was handed over last; the committed one before there is any. */
  private Map<String, ?> last;

  /** `stored` is the offset that was committed last, or null. */
  SharedPositions(Map<String, ?> stored) {
    this.stored = stored;
    last = stored;
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
    if (!isChange(offset)) {
      beginAfterCommit(offset);
    }
    return offset;
  }

  /** Has Debezium begin with the transactions whose COMMIT comes after the last one. */
  private static void beginAfterCommit(Map<String, Object> offset) {
    Object commit = offset.getOrDefault(COMMIT_POSITION, offset.get(POSITION));
    if (commit != null) {
      offset.put(COMMIT_POSITION, commit);
      offset.put(POSITION, ((Number) commit).longValue() - 1); // WAL records begin at multiples of 8
    }
  }

  /** Returns the records that were not committed yet, with their offsets. */
  List<SourceRecord> apply(List<SourceRecord> batch) {
    List<SourceRecord> applied = new ArrayList<>(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      SourceRecord record = batch.get(i);
      if (record.sourcePartition().containsKey(TableOffsets.TABLE)) {
        applied.add(record);
      } else if (isHeartbeat(record)) {
        applied.add(heartbeat(record));
      } else {
        SourceRecord fresh = fresh(batch, i);
        if (fresh != null) {
          last = fresh.sourceOffset();
          applied.add(fresh);
        }
      }
    }
    return applied;
  }

  /** Returns a change or a boundary with its offset; null if it was committed before. */
  private SourceRecord fresh(List<SourceRecord> batch, int index) {
    SourceRecord record = batch.get(index);
    Map<String, ?> offset = record.sourceOffset();
    if (isChange(offset)) {
      boolean isNew = isNew(record);
      previous = offset;
      if (!isNew) {
        return null;
      }
      return isLast(batch, index) ? record : with(record, partial(offset));
    }
    if (isBeginAgain(offset)) {
      return null;
    }
    previous = offset;
    toLeaveOut = 0;
    position = null;
    return record;
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

  /**
   * Returns a heartbeat with the offset of the record before it, or of a COMMIT after that.
   *
   * <p>Without transaction metadata a COMMIT has no record, and Debezium's offset after it looks like
   * that of a change at its position.
   */
  private SourceRecord heartbeat(SourceRecord record) {
    Map<String, ?> offset = record.sourceOffset();
    boolean hasNothingNew = toLeaveOut > 0 && last == stored;
    if (hasNothingNew || isBeginAgain(offset)) {
      return with(record, new HashMap<>(stored));
    }
    Map<String, Object> reached = new HashMap<>(offset);
    if (isChange(offset)) {
      Object commit = previous == null ? null : previous.get(COMMIT_POSITION);
      if (Objects.equals(offset.get(COMMIT_POSITION), commit)) {
        return with(record, last == null ? justBefore(offset) : new HashMap<>(last));
      }
      reached.put(SourceInfo.MSG_TYPE_KEY, COMMIT);
      position = null;
    }
    previous = reached;
    last = reached;
    return with(record, reached);
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
   * Returns whether it is the BEGIN of the transaction in which the committed offset is. Debezium
   * reads it again, and its offset would lead back to before the changes that were committed.
   */
  private boolean isBeginAgain(Map<String, ?> offset) {
    return last == stored && stored != null && isChange(stored)
        && BEGIN.equals(offset.get(SourceInfo.MSG_TYPE_KEY))
        && Objects.equals(offset.get(SourceInfo.TXID_KEY), stored.get(SourceInfo.TXID_KEY));
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
