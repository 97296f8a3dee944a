package datapipe.maintenance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.ExpireSnapshots;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * Expires snapshots that are too old or too many, and deletes the files that only they refer to.
 *
 * <p>The sink's place is kept: where it is further back than what stays, a snapshot without
 * changes gets it first.
 */
final class Expiry {
  private static final long NO_OTHER = 0;

  private final ArchiveTable table;

  Expiry(ArchiveTable table) {
    this.table = table;
  }

  /** What an expiry removed. */
  record Expired(int snapshots, int files) {}

  /**
   * Expire by age and count.
   *
   * @param maxAgeMs older ones are expired, except the current one
   * @param maxCount as many stay at most, of those that no branch or tag refers to
   */
  Expired expire(long maxAgeMs, int maxCount) {
    table.iceberg().refresh();
    if (expirable(maxAgeMs, maxCount).isEmpty()) {
      return new Expired(0, 0);
    }
    if (table.place().depth() >= kept(maxAgeMs, maxCount)) {
      table.commit(() -> table.iceberg().newFastAppend());
    }
    Set<Long> expired = new HashSet<>();
    Set<String> files = new LinkedHashSet<>();
    table.attempt(
        () -> {
          expired.clear();
          files.clear();
          expired.addAll(expirable(maxAgeMs, maxCount));
          if (expired.isEmpty()) {
            return;
          }
          // Ids alone, so that nothing else is expired if the sink commits meanwhile.
          ExpireSnapshots update =
              table.iceberg().expireSnapshots().expireOlderThan(NO_OTHER);
          expired.forEach(update::expireSnapshotId);
          commit(update.deleteWith(files::add));
        });
    return new Expired(expired.size(), new FileDeletion(table).delete(files));
  }

  private static void commit(ExpireSnapshots update) {
    try {
      update.commit();
    } catch (IllegalArgumentException changed) {
      // Another process has expired them, or refers to one of them by a branch or tag now.
      throw new CommitFailedException(changed, "The snapshots to expire have changed");
    }
  }

  /** How many snapshots from the current one back are neither too old nor too many. */
  private int kept(long maxAgeMs, int maxCount) {
    List<Snapshot> ancestors = ancestors(table.iceberg().currentSnapshot());
    long oldest = System.currentTimeMillis() - maxAgeMs;
    int kept = 1;
    while (kept < Math.min(maxCount, ancestors.size())
        && ancestors.get(kept).timestampMillis() >= oldest) {
      kept++;
    }
    return kept;
  }

  private Set<Long> expirable(long maxAgeMs, int maxCount) {
    BaseTable iceberg = table.iceberg();
    Set<Long> expirable = new HashSet<>();
    if (iceberg.currentSnapshot() == null) {
      return expirable;
    }
    long oldest = System.currentTimeMillis() - maxAgeMs;
    List<Snapshot> ancestors = ancestors(iceberg.currentSnapshot());
    Set<Long> history = new HashSet<>();
    ancestors.forEach(snapshot -> history.add(snapshot.snapshotId()));
    // Snapshots that were rolled back or never published.
    for (Snapshot snapshot : iceberg.snapshots()) {
      if (!history.contains(snapshot.snapshotId()) && snapshot.timestampMillis() < oldest) {
        expirable.add(snapshot.snapshotId());
      }
    }
    int first = Math.max(kept(maxAgeMs, maxCount), table.place().depth() + 1);
    ancestors.stream().skip(first).forEach(snapshot -> expirable.add(snapshot.snapshotId()));
    for (Map.Entry<String, SnapshotRef> reference : iceberg.refs().entrySet()) {
      Snapshot referred = iceberg.snapshot(reference.getValue().snapshotId());
      boolean isMain = reference.getKey().equals(SnapshotRef.MAIN_BRANCH);
      if (referred != null && !isMain) {
        expirable.remove(referred.snapshotId());
      }
    }
    return expirable;
  }

  private List<Snapshot> ancestors(Snapshot snapshot) {
    List<Snapshot> ancestors = new ArrayList<>();
    SnapshotUtil.ancestorsOf(snapshot.snapshotId(), table.iceberg()::snapshot)
        .forEach(ancestors::add);
    return ancestors;
  }
}
