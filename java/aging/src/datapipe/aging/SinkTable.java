package datapipe.aging;

import java.io.IOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;

/** A table as the sink makes it, and its commits as the sink's coordinator makes them. */
final class SinkTable {
  static final String OFFSETS = "kafka.connect.offsets.control-iceberg.cg-control-aging";

  private static final String HOUR_COLUMN = "__source_ts_ms";
  private static final Schema SCHEMA =
      new Schema(
          Types.NestedField.optional(1, "id", Types.LongType.get()),
          Types.NestedField.optional(2, "email", Types.StringType.get()),
          Types.NestedField.optional(3, "balance", Types.StringType.get()),
          Types.NestedField.optional(4, "updated_at", Types.LongType.get()),
          Types.NestedField.optional(5, "__op", Types.StringType.get()),
          Types.NestedField.optional(6, "__ts_ms", Types.LongType.get()),
          Types.NestedField.optional(7, HOUR_COLUMN, Types.TimestampType.withZone()),
          Types.NestedField.optional(8, "__source_lsn", Types.LongType.get()),
          Types.NestedField.optional(9, "__deleted", Types.StringType.get()),
          Types.NestedField.optional(10, "__topic", Types.StringType.get()));

  private final Catalog catalog;
  private final TableIdentifier name;
  private final int rows;
  private final int keys;

  /** Each commit has {@code rows} changes of a table with {@code keys} rows. */
  SinkTable(
      Catalog catalog, TableIdentifier name, int rows, int keys, Map<String, String> properties) {
    this.catalog = catalog;
    this.name = name;
    this.rows = rows;
    this.keys = keys;
    PartitionSpec byHour = PartitionSpec.builderFor(SCHEMA).hour(HOUR_COLUMN).build();
    catalog
        .buildTable(name, SCHEMA)
        .withPartitionSpec(byHour)
        .withProperties(properties)
        .create();
  }

  Table load() {
    return catalog.loadTable(name);
  }

  /** Writes a task's file for a commit, whose changes are those before {@code millis}. */
  DataFile write(Table table, long commit, long millis) throws IOException {
    List<Record> changes = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      changes.add(change(commit * rows + row, millis));
    }
    PartitionKey hour = new PartitionKey(table.spec(), table.schema());
    hour.partition(new InternalRecordWrapper(SCHEMA.asStruct()).wrap(changes.get(0)));
    String file = commit + "-" + UUID.randomUUID() + "-00001.parquet";
    DataWriter<Record> writer =
        Parquet.writeData(
                table.io().newOutputFile(
                    table.locationProvider().newDataLocation(table.spec(), hour, file)))
            .forTable(table)
            .withSpec(table.spec())
            .withPartition(hour)
            .createWriterFunc(type -> GenericParquetWriter.create(table.schema(), type))
            .build();
    try (writer) {
      changes.forEach(writer::write);
    }
    return writer.toDataFile();
  }

  private Record change(long position, long millis) {
    Record change = GenericRecord.create(SCHEMA);
    // A large odd factor spreads the keys, as a table's changes are spread over its rows.
    long key = Math.floorMod(position * 2_654_435_761L, keys);
    change.setField("id", key);
    change.setField("email", "person-" + key + "@example.com");
    change.setField("balance", Long.toString(position % 100_000));
    change.setField("updated_at", millis * 1000);
    change.setField("__op", position < keys ? "c" : "u");
    change.setField("__ts_ms", millis);
    change.setField(
        HOUR_COLUMN, OffsetDateTime.ofInstant(Instant.ofEpochMilli(millis), ZoneOffset.UTC));
    change.setField("__source_lsn", position + 1);
    change.setField("__deleted", "false");
    change.setField("__topic", "postgres.public.users");
    return change;
  }

  /** Commits files as the coordinator does, which loads the table each time. */
  void commit(List<DataFile> files, long commit, long millis) {
    Table table = load();
    AppendFiles append = table.newAppend();
    append.set(OFFSETS, "{\"0\":" + commit + "}");
    append.set("kafka.connect.commit-id", UUID.randomUUID().toString());
    append.set(
        "kafka.connect.valid-through-ts",
        OffsetDateTime.ofInstant(Instant.ofEpochMilli(millis), ZoneOffset.UTC).toString());
    files.forEach(append::appendFile);
    append.commit();
  }
}
