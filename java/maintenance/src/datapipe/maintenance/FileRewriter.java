package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;

/**
 * Writes the rows of some files of one partition into others, sorted, and reads them back.
 *
 * <p>It commits nothing. What it has written is either equal to what it has read, or refused.
 */
final class FileRewriter {
  // A file's size is known about every so many rows.
  private static final long ROWS_PER_CHECK = 1000;

  private final ArchiveTable table;
  private final DataFiles files;

  FileRewriter(ArchiveTable table) {
    this.table = table;
    this.files = new DataFiles(table.iceberg());
  }

  /**
   * Rewrite files.
   *
   * @param isKept which rows the written files have
   * @throws UnequalRowsException if other rows would be written than were read
   */
  RewrittenFiles rewrite(
      List<FileScanTask> tasks, StructLike partition, long maxFileBytes, Predicate<Record> isKept) {
    List<DataFile> written = new ArrayList<>();
    boolean isDone = false;
    try (RowSorter sorter =
        new RowSorter(
            files.schema(),
            RowOrder.of(files.schema(), table.settings().key(table.name())))) {
      RowDigest expected = new RowDigest();
      long removed = 0;
      for (FileScanTask task : tasks) {
        removed += read(task, isKept, expected, sorter);
      }
      write(sorter, partition, maxFileBytes, written);
      verify(expected, written);
      isDone = true;
      List<DataFile> read = tasks.stream().map(FileScanTask::file).toList();
      return new RewrittenFiles(read, written, expected.rows(), removed);
    } finally {
      if (!isDone) {
        discard(written);
      }
    }
  }

  /** Delete files that were written and will not be committed. */
  void discard(List<DataFile> written) {
    try {
      new FileDeletion(table).delete(written.stream().map(DataFile::location).toList());
    } catch (FileDeletion.DeletionFailedException failure) {
      // Printed only: the failure that made them useless is thrown.
      table.log("%s", failure.getMessage());
    }
  }

  private long read(
      FileScanTask task, Predicate<Record> isKept, RowDigest expected, RowSorter sorter) {
    long rows = 0;
    long removed = 0;
    try (CloseableIterable<Record> found = files.read(task)) {
      for (Record row : found) {
        rows++;
        if (isKept.test(row)) {
          expected.add(row);
          sorter.add(row);
        } else {
          removed++;
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    if (task.deletes().isEmpty() && rows != task.file().recordCount()) {
      throw new UnequalRowsException(
          task.file().location()
              + String.format(": %d rows were read of %d", rows, task.file().recordCount()));
    }
    return removed;
  }

  private void write(
      RowSorter sorter, StructLike partition, long maxFileBytes, List<DataFile> written) {
    try (CloseableIterable<Record> sorted = sorter.sorted()) {
      DataWriter<Record> writer = null;
      long rows = 0;
      for (Record row : sorted) {
        if (writer == null) {
          writer = files.write(partition);
        }
        writer.write(row);
        rows++;
        if (rows % ROWS_PER_CHECK == 0 && writer.length() >= maxFileBytes) {
          writer.close();
          written.add(writer.toDataFile());
          writer = null;
        }
      }
      if (writer != null) {
        writer.close();
        written.add(writer.toDataFile());
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private void verify(RowDigest expected, List<DataFile> written) {
    RowDigest found = new RowDigest();
    for (DataFile file : written) {
      try (CloseableIterable<Record> rows = files.read(file)) {
        rows.forEach(found::add);
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
    if (!found.equalsIn(expected)) {
      throw new UnequalRowsException(
          String.format(
              "%d rows were read and %d written; they are not the same, so the files stay as they"
                  + " are",
              expected.rows(), found.rows()));
    }
  }
}
