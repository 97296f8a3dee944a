package datapipe.maintenance;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.iceberg.BaseMetastoreCatalog;
import org.apache.iceberg.BaseMetastoreTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.io.FileIO;

/** A catalog in memory that refuses stale commits, as Glue does, with the tables in local files. */
final class LocalCatalog extends BaseMetastoreCatalog {
  private final ConcurrentMap<TableIdentifier, String> tables = new ConcurrentHashMap<>();
  private final FileIO files = new LocalFiles();
  private final String warehouse;

  LocalCatalog(String warehouse) {
    this.warehouse = warehouse;
    initialize("local", Map.of());
  }

  String metadata(TableIdentifier name) {
    return tables.get(name);
  }

  @Override
  protected TableOperations newTableOps(TableIdentifier name) {
    return new Operations(name);
  }

  @Override
  protected String defaultWarehouseLocation(TableIdentifier name) {
    return warehouse + "/" + name.namespace() + ".db/" + name.name();
  }

  @Override
  public List<TableIdentifier> listTables(Namespace namespace) {
    return List.copyOf(tables.keySet());
  }

  @Override
  public boolean dropTable(TableIdentifier name, boolean purge) {
    return tables.remove(name) != null;
  }

  @Override
  public void renameTable(TableIdentifier from, TableIdentifier to) {
    throw new UnsupportedOperationException();
  }

  private final class Operations extends BaseMetastoreTableOperations {
    private final TableIdentifier name;

    Operations(TableIdentifier name) {
      this.name = name;
    }

    @Override
    protected String tableName() {
      return name.toString();
    }

    @Override
    public FileIO io() {
      return files;
    }

    @Override
    protected void doRefresh() {
      refreshFromMetadataLocation(tables.get(name));
    }

    @Override
    protected void doCommit(TableMetadata base, TableMetadata metadata) {
      String next = writeNewMetadataIfRequired(base == null, metadata);
      Faults.before("commit", next);
      boolean isDone =
          base == null
              ? tables.putIfAbsent(name, next) == null
              : tables.replace(name, base.metadataFileLocation(), next);
      if (!isDone) {
        throw new CommitFailedException("%s has changed since it was read", name);
      }
      Faults.before("committed", next);
    }
  }
}
