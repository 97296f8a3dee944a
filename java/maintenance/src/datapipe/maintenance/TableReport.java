package datapipe.maintenance;

import java.util.Locale;
import java.util.Map;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotSummary;

/** What a table is after its maintenance and what was done, as one line of JSON. */
final class TableReport {
  private TableReport() {}

  static String of(
      ArchiveTable table, Orphans.Found found, int rewritten, Expiry.Expired expired, long seconds) {
    Snapshot current = table.iceberg().currentSnapshot();
    long files = total(current, SnapshotSummary.TOTAL_DATA_FILES_PROP);
    long bytes = total(current, SnapshotSummary.TOTAL_FILE_SIZE_PROP);
    return String.format(
        Locale.ROOT,
        "{\"table\": \"%s\", \"snapshots\": %d, \"files\": %d, \"meanFileBytes\": %d,"
            + " \"metadataBytes\": %d, \"rewritten\": %d, \"expired\": %d, \"orphans\": %d,"
            + " \"seconds\": %d}",
        table.name(),
        table.metadata().snapshots().size(),
        files,
        files == 0 ? 0 : bytes / files,
        found.metadataBytes(),
        rewritten,
        expired.snapshots(),
        found.deleted(),
        seconds);
  }

  private static long total(Snapshot current, String property) {
    Map<String, String> summary = current == null ? Map.of() : current.summary();
    return Long.parseLong(summary.getOrDefault(property, "0"));
  }
}
