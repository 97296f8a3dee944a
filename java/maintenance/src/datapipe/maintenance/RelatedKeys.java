package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;

/**
 * The keys that rows of a key had before or after an update of the key itself.
 *
 * <p>PostgreSQL's update of a key is archived as a delete of the old one and an insert of the new
 * one, at one position in the WAL.
 */
final class RelatedKeys {
  private static final String OPERATION = "__op";
  private static final String LSN = "__source_lsn";
  private static final Map<String, String> OTHER_HALF = Map.of("d", "c", "c", "d");

  private final ArchiveTable table;
  private final KeyMatch match;

  RelatedKeys(ArchiveTable table, KeyMatch match) {
    this.table = table;
    this.match = match;
  }

  /** Find them in the present snapshot, given its files with rows of the key. */
  Set<String> find(List<FileScanTask> holding) {
    Schema present = table.iceberg().schema();
    if (present.findField(OPERATION) == null || present.findField(LSN) == null) {
      return Set.of();
    }
    Map<Long, String> halves = new HashMap<>();
    for (FileScanTask file : holding) {
      forEach(
          file,
          row -> {
            String other = OTHER_HALF.get(String.valueOf(row.getField(OPERATION)));
            if (other != null && match.test(row) && row.getField(LSN) != null) {
              halves.put((Long) row.getField(LSN), other);
            }
          });
    }
    Set<String> related = new TreeSet<>();
    if (halves.isEmpty()) {
      return related;
    }
    try (CloseableIterable<FileScanTask> files =
        table.iceberg().newScan().filter(Expressions.in(LSN, halves.keySet())).planFiles()) {
      for (FileScanTask file : files) {
        forEach(
            file,
            row -> {
              String half = halves.get((Long) row.getField(LSN));
              if (half != null && half.equals(row.getField(OPERATION)) && !match.test(row)) {
                related.add(match.keyOf(row));
              }
            });
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return related;
  }

  private void forEach(FileScanTask file, Consumer<Record> consumer) {
    Schema schema = table.iceberg().schema();
    List<Types.NestedField> columns = new ArrayList<>(match.fields());
    columns.add(schema.findField(OPERATION));
    columns.add(schema.findField(LSN));
    try (CloseableIterable<Record> rows =
        KeySearch.rows(
            table, file.file().location(), file.file().fileSizeInBytes(), new Schema(columns))) {
      rows.forEach(consumer);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
