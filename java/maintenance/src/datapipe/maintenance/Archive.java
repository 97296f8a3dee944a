package datapipe.maintenance;

import java.io.IOException;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;

/** The catalog with the archive's tables. */
final class Archive implements AutoCloseable {
  private final Settings settings;
  private final Catalog catalog;

  Archive(Settings settings, Catalog catalog) {
    this.settings = settings;
    this.catalog = catalog;
  }

  static Archive open(Settings settings) {
    Object noHadoop = null;
    return new Archive(
        settings, CatalogUtil.buildIcebergCatalog("archive", settings.catalog(), noHadoop));
  }

  Settings settings() {
    return settings;
  }

  /** Whether the sink has created a table already. */
  boolean has(String name) {
    return catalog.tableExists(TableIdentifier.parse(name));
  }

  ArchiveTable table(String name) {
    BaseTable table = (BaseTable) catalog.loadTable(TableIdentifier.parse(name));
    return new ArchiveTable(name, table, settings);
  }

  @Override
  public void close() throws IOException {
    if (catalog instanceof AutoCloseable) {
      try {
        ((AutoCloseable) catalog).close();
      } catch (IOException | RuntimeException failure) {
        throw failure;
      } catch (Exception failure) {
        throw new IOException(failure);
      }
    }
  }
}
