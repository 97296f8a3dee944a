package datapipe.aging;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.UUID;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.SnapshotParser;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;

/**
 * Adds snapshots to a table's metadata as commits would, with few versions of the metadata.
 *
 * <p>They differ from the present snapshot in what differs between the sink's snapshots. Nothing
 * reads their manifest lists, which do not exist; only the last one has that of the present snapshot,
 * because the next commit continues it.
 */
final class BulkSnapshots {
  private static final ObjectMapper JSON = new ObjectMapper();
  /** Iceberg's builder compares each snapshot with all others of one version of the metadata. */
  static final int AT_ONCE = 1000;

  private BulkSnapshots() {}

  /** Adds up to AT_ONCE of them. */
  static void add(Table table, int count, long intervalMillis) throws IOException {
    TableOperations operations = ((HasTableOperations) table).operations();
    TableMetadata base = operations.refresh();
    TableMetadata.Builder builder = TableMetadata.buildFrom(base);
    ObjectNode snapshot =
        (ObjectNode) JSON.readTree(SnapshotParser.toJson(base.currentSnapshot()));
    long commit = base.currentSnapshot().sequenceNumber();
    for (int i = 1; i <= count; i++) {
      long id = UUID.randomUUID().getMostSignificantBits() & Long.MAX_VALUE;
      snapshot.put("parent-snapshot-id", snapshot.get("snapshot-id").longValue());
      snapshot.put("snapshot-id", id);
      snapshot.put("sequence-number", commit + i);
      snapshot.put("timestamp-ms", snapshot.get("timestamp-ms").longValue() + intervalMillis);
      snapshot.put(
          "manifest-list",
          i == count
              ? base.currentSnapshot().manifestListLocation()
              : base.location() + "/metadata/snap-" + id + "-1-" + UUID.randomUUID() + ".avro");
      ObjectNode summary = (ObjectNode) snapshot.get("summary");
      summary.put(SinkTable.OFFSETS, "{\"0\":" + (commit + i) + "}");
      summary.put("kafka.connect.commit-id", UUID.randomUUID().toString());
      builder.setBranchSnapshot(
          SnapshotParser.fromJson(snapshot.toString()), SnapshotRef.MAIN_BRANCH);
    }
    operations.commit(base, builder.build());
  }
}
