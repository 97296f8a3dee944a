package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericDeleteFilter;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.encryption.EncryptedOutputFile;
import org.apache.iceberg.formats.FormatModelRegistry;
import org.apache.iceberg.formats.ReadBuilder;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFileFactory;

/** Reads and writes a table's data files, row by row. */
final class DataFiles {
  private final Table table;
  private final Schema schema;
  private final OutputFileFactory names;

  DataFiles(Table table) {
    this.table = table;
    this.schema = table.schema();
    this.names =
        OutputFileFactory.builderFor(table, 1, 1)
            .format(FileFormat.PARQUET)
            .operationId(UUID.randomUUID().toString())
            .build();
  }

  /** The columns of the rows that are read and written: those of the table now. */
  Schema schema() {
    return schema;
  }

  /** The rows of a file that no delete file removes. */
  CloseableIterable<Record> read(FileScanTask task) {
    if (task.deletes().isEmpty()) {
      return read(task.file(), schema);
    }
    GenericDeleteFilter deletes = new GenericDeleteFilter(table.io(), task, schema, schema);
    CloseableIterable<Record> rows = read(task.file(), deletes.requiredSchema());
    // Without the columns that only the delete files need, which are the last.
    return CloseableIterable.transform(deletes.filter(rows), this::ofSchema);
  }

  CloseableIterable<Record> read(DataFile file) {
    return read(file, schema);
  }

  DataWriter<Record> write(StructLike partition) {
    try {
      return FormatModelRegistry.<Record, Schema>dataWriteBuilder(
              FileFormat.PARQUET, Record.class, newFile(partition))
          .setAll(table.properties())
          .metricsConfig(MetricsConfig.forTable(table))
          .schema(schema)
          .engineSchema(schema)
          .spec(table.spec())
          .partition(partition)
          .build();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private EncryptedOutputFile newFile(StructLike partition) {
    // The folder of no partition would have an empty name, which not every reader takes.
    return table.spec().isUnpartitioned()
        ? names.newOutputFile()
        : names.newOutputFile(table.spec(), partition);
  }

  private CloseableIterable<Record> read(DataFile file, Schema columns) {
    ReadBuilder<Record, Schema> reader =
        FormatModelRegistry.readBuilder(
            file.format(), Record.class, table.io().newInputFile(file));
    return reader.project(columns).build();
  }

  private Record ofSchema(Record row) {
    Record copy = org.apache.iceberg.data.GenericRecord.create(schema);
    for (int i = 0; i < schema.columns().size(); i++) {
      copy.set(i, row.get(i));
    }
    return copy;
  }
}
