package datapipe.aging;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.BaseMetastoreCatalog;
import org.apache.iceberg.BaseMetastoreTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.io.FileIO;

/**
 * A catalog of one process: a file for each table holds the location of its metadata.
 *
 * <p>Like Glue it refuses a commit whose base is not the table's present metadata.
 */
public class FolderCatalog extends BaseMetastoreCatalog {
  private static final Object LOCK = new Object();

  private Map<String, String> properties;
  private String name;
  private Path pointers;
  private FolderFileIO files;

  @Override
  public void initialize(String catalogName, Map<String, String> given) {
    properties = given;
    name = catalogName;
    pointers = Path.of(given.get("folder"), "catalog");
    files = new FolderFileIO();
    files.initialize(given);
    try {
      Files.createDirectories(pointers);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  protected Map<String, String> properties() {
    return properties;
  }

  @Override
  protected TableOperations newTableOps(TableIdentifier table) {
    return new Operations(table.toString());
  }

  @Override
  protected String defaultWarehouseLocation(TableIdentifier table) {
    return properties.get("warehouse") + "/" + table.namespace() + "/" + table.name();
  }

  @Override
  public List<TableIdentifier> listTables(Namespace namespace) {
    try (Stream<Path> found = Files.list(pointers)) {
      return found
          .map(path -> TableIdentifier.parse(path.getFileName().toString()))
          .filter(table -> table.namespace().equals(namespace))
          .collect(Collectors.toList());
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public boolean dropTable(TableIdentifier table, boolean purge) {
    throw new UnsupportedOperationException("nothing drops a table of the benchmark");
  }

  @Override
  public void renameTable(TableIdentifier from, TableIdentifier to) {
    throw new UnsupportedOperationException("nothing renames a table of the benchmark");
  }

  private final class Operations extends BaseMetastoreTableOperations {
    private final String table;

    Operations(String table) {
      this.table = table;
    }

    @Override
    protected String tableName() {
      return table;
    }

    @Override
    public FileIO io() {
      return files;
    }

    private String pointer() throws IOException {
      Path path = pointers.resolve(table);
      return Files.exists(path) ? Files.readString(path) : null;
    }

    @Override
    protected void doRefresh() {
      try {
        String location = pointer();
        if (location == null && currentMetadataLocation() != null) {
          throw new NoSuchTableException("%s does not exist", table);
        }
        refreshFromMetadataLocation(location, 0);
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    @Override
    protected void doCommit(TableMetadata base, TableMetadata metadata) {
      String location = writeNewMetadataIfRequired(base == null, metadata);
      synchronized (LOCK) {
        try {
          String present = pointer();
          String expected = base == null ? null : base.metadataFileLocation();
          if (present == null ? expected != null : !present.equals(expected)) {
            throw new CommitFailedException("%s was changed since it was read", table);
          }
          Files.writeString(pointers.resolve(table), location);
        } catch (IOException failure) {
          throw new UncheckedIOException(failure);
        }
      }
    }
  }
}
