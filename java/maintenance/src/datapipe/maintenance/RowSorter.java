package datapipe.maintenance;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.avro.Avro;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.avro.DataWriter;
import org.apache.iceberg.data.avro.PlannedDataReader;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.util.SortedMerge;

/**
 * Sorts rows that do not have to fit into memory: as much as may be held at a time is sorted and
 * written to a local file, and the files are merged.
 */
final class RowSorter implements AutoCloseable {
  // Of the heap, which also holds a row group that is read and one that is written.
  private static final int SHARE_OF_HEAP = 6;

  private final Schema schema;
  private final Comparator<Record> order;
  private final long limit;
  private final List<File> runs = new ArrayList<>();
  private List<Record> rows = new ArrayList<>();
  private long bytes;

  RowSorter(Schema schema, Comparator<Record> order) {
    this(schema, order, Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP);
  }

  /** `limit`: how many bytes of rows are held in memory. */
  RowSorter(Schema schema, Comparator<Record> order, long limit) {
    this.schema = schema;
    this.order = order;
    this.limit = limit;
  }

  void add(Record row) {
    rows.add(row);
    bytes += RowMemory.of(row);
    if (bytes >= limit) {
      write();
    }
  }

  /** All rows, in order; nothing can be added after that. */
  CloseableIterable<Record> sorted() {
    if (runs.isEmpty()) {
      rows.sort(order);
      return CloseableIterable.withNoopClose(rows);
    }
    write();
    List<CloseableIterable<Record>> sorted = runs.stream().map(this::read).toList();
    return new SortedMerge<>(order, sorted);
  }

  private void write() {
    rows.sort(order);
    try {
      File run = File.createTempFile("rows-", ".avro");
      runs.add(run);
      try (FileAppender<Record> appender =
          Avro.write(org.apache.iceberg.Files.localOutput(run))
              .schema(schema)
              .createWriterFunc(DataWriter::create)
              .set(TableProperties.AVRO_COMPRESSION, "snappy")
              .overwrite()
              .build()) {
        appender.addAll(rows);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    rows = new ArrayList<>();
    bytes = 0;
  }

  private CloseableIterable<Record> read(File run) {
    return Avro.read(org.apache.iceberg.Files.localInput(run))
        .project(schema)
        .createResolvingReader(PlannedDataReader::create)
        .build();
  }

  @Override
  public void close() {
    rows = List.of();
    for (File run : runs) {
      try {
        Files.deleteIfExists(run.toPath());
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }
}
