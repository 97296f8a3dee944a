package datapipe.maintenance;

import java.util.List;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.TableProperties;

/** Writes many small manifests into few. */
final class Manifests {
  private static final int MANY = 20;

  private final ArchiveTable table;

  Manifests(ArchiveTable table) {
    this.table = table;
  }

  /** Rewrite them if they are many; returns how many there were, 0 if they stay. */
  int rewrite() {
    table.iceberg().refresh();
    if (table.iceberg().currentSnapshot() == null) {
      return 0;
    }
    List<ManifestFile> small =
        table.iceberg().currentSnapshot().dataManifests(table.iceberg().io()).stream()
            .filter(this::isSmall)
            .toList();
    if (small.size() < MANY) {
      return 0;
    }
    table.commit(
        () -> table.iceberg().rewriteManifests().clusterBy(file -> "").rewriteIf(this::isSmall));
    return small.size();
  }

  private boolean isSmall(ManifestFile manifest) {
    long target =
        table.metadata()
            .propertyAsLong(
                TableProperties.MANIFEST_TARGET_SIZE_BYTES,
                TableProperties.MANIFEST_TARGET_SIZE_BYTES_DEFAULT);
    return manifest.content() == ManifestContent.DATA && manifest.length() < target / 2;
  }
}
