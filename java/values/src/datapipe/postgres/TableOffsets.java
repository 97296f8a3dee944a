package datapipe.postgres;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/**
 * The offsets by which a connector knows how far it has read the rows of a table.
 *
 * <pre>
 * partition  {"table": schema.table}
 * offset     {"from": the server and the table's OID, "lsn": the rows' position in the WAL,
 *             "at": the server's position when the connector started, and one of
 *             "key.COLUMN": the values of the key of the row that was read last, with "ordering":
 *             what their order depends on,
 *             "begun": true, when only the mark before the rows was written,
 *             "complete": true}
 * </pre>
 *
 * <p>An offset with none of these is of a table that can't go on: it has no key, or not a usable one.
 */
final class TableOffsets {
  static final String TABLE = "table";
  static final String FROM = "from";
  static final String LSN = "lsn";
  static final String AT = "at";
  static final String BEGUN = "begun";
  static final String COMPLETE = "complete";
  static final String ORDERING = "ordering";

  private static final String KEY = "key.";

  private TableOffsets() {}

  /**
   * Returns the partition of a table, which has one field: Connect finds an offset by the bytes of its
   * partition, in which the fields would come in any order.
   */
  static Map<String, Object> partition(String table) {
    return Map.of(TABLE, table);
  }

  /** Returns what all offsets of a table have. */
  static Map<String, Object> unresumable(String from, long lsn, long at) {
    return Map.of(FROM, from, LSN, lsn, AT, at);
  }

  static Map<String, Object> with(Map<String, Object> offset, String state) {
    Map<String, Object> more = new HashMap<>(offset);
    more.put(state, true);
    return more;
  }

  /** Returns the offset after the row of a key; the given one if Connect can't store the key. */
  static Map<String, Object> after(Map<String, Object> offset, String ordering, Object key) {
    if (!(key instanceof Struct)) {
      return offset;
    }
    Map<String, Object> more = new HashMap<>(offset);
    more.put(ORDERING, ordering);
    Struct row = (Struct) key;
    for (Field column : row.schema().fields()) {
      Object value = row.getWithoutDefault(column.name());
      if (!(value instanceof Number || value instanceof String || value instanceof Boolean)) {
        return offset;
      }
      more.put(KEY + column.name(), value);
    }
    return more;
  }

  static long number(Map<String, Object> offset, String name) {
    return ((Number) offset.get(name)).longValue();
  }

  /** Returns the values of the key by column; none where the offset has no key. */
  static Map<String, Object> key(Map<String, Object> offset) {
    Map<String, Object> values = new TreeMap<>();
    offset.forEach((name, value) -> {
      if (name.startsWith(KEY)) {
        values.put(name.substring(KEY.length()), value);
      }
    });
    return values;
  }
}
