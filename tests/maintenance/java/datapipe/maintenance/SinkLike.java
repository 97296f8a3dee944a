package datapipe.maintenance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.util.SnapshotUtil;

/**
 * Commits to a table as Iceberg's sink does that was restarted: it reads its control topic from the
 * start and leaves out what is before the offsets that it finds in the table's snapshots.
 */
final class SinkLike {
  static final String PREFIX = "kafka.connect.offsets.";
  private static final String OFFSETS = PREFIX + "control-iceberg.cg-control";

  private final Table table;
  private final List<List<DataFile>> controlTopic = new ArrayList<>();

  /** Of all rows that were written, whether or not they are committed. */
  final RowDigest rows = new RowDigest();

  SinkLike(Table table) {
    this.table = table;
  }

  /** Writes a file of each partition, without a commit. */
  void write(List<Record> records) throws IOException {
    DataFiles files = new DataFiles(table);
    Map<Integer, DataWriter<Record>> writers = new TreeMap<>();
    for (Record record : records) {
      rows.add(record);
      var partition = RandomRows.partition(table, record);
      int hour = partition.get(0, Integer.class) == null ? -1 : partition.get(0, Integer.class);
      writers.computeIfAbsent(hour, none -> files.write(partition)).write(record);
    }
    List<DataFile> written = new ArrayList<>();
    for (DataWriter<Record> writer : writers.values()) {
      writer.close();
      written.add(writer.toDataFile());
    }
    controlTopic.add(written);
  }

  /** Commits what the table does not have by the offsets in its snapshots. */
  void commit() {
    table.refresh();
    int committed = place();
    if (committed == controlTopic.size()) {
      return;
    }
    AppendFiles append = table.newAppend();
    controlTopic.subList(committed, controlTopic.size()).forEach(f -> f.forEach(append::appendFile));
    append.set(OFFSETS, "{\"0\":" + controlTopic.size() + "}");
    append.set("kafka.connect.commit-id", "5f1a");
    append.commit();
  }

  private int place() {
    if (table.currentSnapshot() == null) {
      return 0;
    }
    long current = table.currentSnapshot().snapshotId();
    for (Snapshot snapshot : SnapshotUtil.ancestorsOf(current, table::snapshot)) {
      String offsets = snapshot.summary().get(OFFSETS);
      if (offsets != null) {
        return Integer.parseInt(offsets.replaceAll("\\{\"0\":(\\d+)}", "$1"));
      }
    }
    return 0;
  }
}
