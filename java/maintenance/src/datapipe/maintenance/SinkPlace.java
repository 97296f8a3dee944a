package datapipe.maintenance;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotUpdate;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * What the sink has committed to a table, as it finds it again: walking back from the current
 * snapshot, the first value of each property of its offsets.
 *
 * @param offsets the properties and their values; empty if the sink never committed
 * @param depth how many snapshots before the current one the last of them was found
 */
record SinkPlace(Map<String, String> offsets, int depth) {

  static SinkPlace of(TableMetadata table, String prefix) {
    Map<String, String> offsets = new LinkedHashMap<>();
    int deepest = 0;
    if (table.currentSnapshot() != null) {
      int depth = 0;
      long current = table.currentSnapshot().snapshotId();
      for (Snapshot snapshot : SnapshotUtil.ancestorsOf(current, table::snapshot)) {
        for (Map.Entry<String, String> property : snapshot.summary().entrySet()) {
          boolean isFirst =
              property.getKey().startsWith(prefix)
                  && offsets.putIfAbsent(property.getKey(), property.getValue()) == null;
          deepest = isFirst ? depth : deepest;
        }
        depth++;
      }
    }
    return new SinkPlace(offsets, deepest);
  }

  /** Whether the sink finds the same offsets, at whatever depth. */
  boolean equalsIn(SinkPlace other) {
    return offsets.equals(other.offsets);
  }

  /** Let the snapshot of an update have the offsets, so that older ones can be expired. */
  void carryTo(SnapshotUpdate<?> update) {
    offsets.forEach(update::set);
  }
}
