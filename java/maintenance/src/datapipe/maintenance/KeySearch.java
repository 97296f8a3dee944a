package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.formats.FormatModelRegistry;
import org.apache.iceberg.formats.ReadBuilder;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;

/**
 * Looks for the rows of a key in every object of a table's folder, whether or not the table refers
 * to it.
 *
 * <p>Files never change, so each is read once.
 */
final class KeySearch {
  private static final String METADATA = "metadata/";
  private static final String DATA_FILE = ".parquet";

  private final ArchiveTable table;
  private final KeyMatch match;
  private final StopSignal stop;
  private final String location;
  private final Map<String, Long> rowsOfKey = new HashMap<>();

  KeySearch(ArchiveTable table, KeyMatch match, StopSignal stop) {
    this.table = table;
    this.match = match;
    this.stop = stop;
    this.location = FileLocation.folder(table.iceberg().location());
  }

  /**
   * The objects of the folder.
   *
   * @param holding data files with rows of the key
   * @param others objects that are not data files
   * @param dataFiles how many of the objects are
   * @param rows that the data files have of the key
   */
  record Found(List<FileInfo> holding, List<FileInfo> others, int dataFiles, long rows) {}

  Found search() {
    List<FileInfo> holding = new ArrayList<>();
    List<FileInfo> others = new ArrayList<>();
    Set<String> present = new HashSet<>();
    long rows = 0;
    for (FileInfo file : list()) {
      String name = FileLocation.normalized(file.location());
      if (!name.endsWith(DATA_FILE) || name.startsWith(location + METADATA)) {
        others.add(file);
        continue;
      }
      stop.check();
      if (!rowsOfKey.containsKey(name)) {
        Long found = count(file);
        if (found == null) {
          continue;
        }
        rowsOfKey.put(name, found);
      }
      present.add(name);
      rows += rowsOfKey.get(name);
      if (rowsOfKey.get(name) > 0) {
        holding.add(file);
      }
    }
    rowsOfKey.keySet().retainAll(present);
    return new Found(holding, others, present.size(), rows);
  }

  /** Whether a file exists, as of the last search, and has no row of the key. */
  boolean isFree(String file) {
    Long rows = rowsOfKey.get(FileLocation.normalized(file));
    return rows != null && rows == 0;
  }

  private Iterable<FileInfo> list() {
    return ((SupportsPrefixOperations) table.iceberg().io()).listPrefix(location);
  }

  /** The rows with the key; null if the file was deleted since it was listed. */
  private Long count(FileInfo file) {
    long rows = 0;
    try (CloseableIterable<Record> found =
        rows(table, file.location(), file.size(), new Schema(match.fields()))) {
      for (Record row : found) {
        rows += match.test(row) ? 1 : 0;
      }
      return rows;
    } catch (NotFoundException deleted) {
      return null;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Some columns of a data file's rows. */
  static CloseableIterable<Record> rows(
      ArchiveTable table, String file, long size, Schema columns) {
    ReadBuilder<Record, Schema> reader =
        FormatModelRegistry.readBuilder(
            FileFormat.PARQUET, Record.class, table.iceberg().io().newInputFile(file, size));
    return reader.project(columns).build();
  }
}
