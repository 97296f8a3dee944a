package datapipe.maintenance;

import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.encryption.EncryptionManager;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.LocationProvider;

/**
 * A table's operations that refuse every commit after which the sink would find other offsets.
 *
 * <p>So a commit that carries the offsets is made on the snapshot they were copied from, or on
 * none; and an expiry keeps the snapshot that has them.
 */
final class PlaceGuard implements TableOperations {
  private final TableOperations table;
  private final String prefix;

  PlaceGuard(TableOperations table, String prefix) {
    this.table = table;
    this.prefix = prefix;
  }

  /**
   * Commit.
   *
   * @throws PlaceMovedException if the sink's place would change
   */
  @Override
  public void commit(TableMetadata base, TableMetadata updated) {
    SinkPlace now = SinkPlace.of(base, prefix);
    SinkPlace then = SinkPlace.of(updated, prefix);
    if (!now.equalsIn(then)) {
      throw new PlaceMovedException(now, then);
    }
    table.commit(base, updated);
  }

  @Override
  public TableMetadata current() {
    return table.current();
  }

  @Override
  public TableMetadata refresh() {
    return table.refresh();
  }

  @Override
  public FileIO io() {
    return table.io();
  }

  @Override
  public EncryptionManager encryption() {
    return table.encryption();
  }

  @Override
  public String metadataFileLocation(String fileName) {
    return table.metadataFileLocation(fileName);
  }

  @Override
  public LocationProvider locationProvider() {
    return table.locationProvider();
  }

  @Override
  public long newSnapshotId() {
    return table.newSnapshotId();
  }

  @Override
  public boolean requireStrictCleanup() {
    return table.requireStrictCleanup();
  }
}
