package datapipe.iceberg;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.types.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tables of a catalog, which get the columns that records need before the sink writes them.
 *
 * <p>The catalog is what all tasks agree by: it refuses a change of a table that another task has
 * changed since it was read, and the second task then plans again from what the first one made.
 */
final class IcebergTables implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IcebergTables.class);
  private static final int ATTEMPTS = 10;
  private static final int LONGEST_PAUSE_MS = 500;

  private final Catalog catalog;
  private final String hourColumn;
  private final Map<String, String> tableProperties;

  /** Partitions new tables by the hour of a column. */
  IcebergTables(Catalog catalog, String hourColumn, Map<String, String> tableProperties) {
    this.catalog = catalog;
    this.hourColumn = hourColumn;
    this.tableProperties = tableProperties;
  }

  /**
   * Creates a table or its columns where a record needs them, and returns the record's columns.
   *
   * @throws UnpreparedTableError if the catalog can't be read or written
   */
  ColumnPlan prepare(String name, org.apache.kafka.connect.data.Schema record) {
    RuntimeException last = null;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        return prepareOnce(TableIdentifier.parse(name), record);
      } catch (CommitFailedException | CommitStateUnknownException | AlreadyExistsException lost) {
        last = lost;
        pause();
      } catch (RuntimeException failure) {
        throw failed(name, failure);
      }
    }
    throw failed(name, last);
  }

  private ColumnPlan prepareOnce(
      TableIdentifier name, org.apache.kafka.connect.data.Schema record) {
    Table table;
    try {
      table = catalog.loadTable(name);
    } catch (NoSuchTableException missing) {
      ColumnPlan plan = ColumnPlan.of(Types.StructType.of(), record);
      create(name, plan.added);
      return plan;
    }
    ColumnPlan plan = ColumnPlan.of(table.schema().asStruct(), record);
    if (plan.changesTable()) {
      change(table, plan);
    }
    plan.renamed.forEach(
        (field, column) ->
            LOG.warn(
                "{}: the type of {} is not that of its earlier values; this type's go to {}",
                name, field, column));
    return plan;
  }

  private void create(TableIdentifier name, List<Types.NestedField> columns) {
    Schema schema = new Schema(columns);
    PartitionSpec byHour = PartitionSpec.builderFor(schema).hour(hourColumn).build();
    catalog.buildTable(name, schema).withPartitionSpec(byHour).withProperties(tableProperties)
        .create();
  }

  private static void change(Table table, ColumnPlan plan) {
    UpdateSchema update = table.updateSchema();
    for (Types.NestedField column : plan.added) {
      update.addColumn(null, column.name(), column.type(), column.doc());
    }
    plan.comments.forEach(update::updateColumnDoc);
    update.commit();
  }

  private static void pause() {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextInt(LONGEST_PAUSE_MS));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new UnpreparedTableError("Interrupted", interrupted);
    }
  }

  private static UnpreparedTableError failed(String table, RuntimeException cause) {
    return new UnpreparedTableError(
        "The columns of the Iceberg table " + table + " can't be read or changed", cause);
  }

  @Override
  public void close() throws Exception {
    if (catalog instanceof AutoCloseable) {
      ((AutoCloseable) catalog).close();
    }
  }
}
