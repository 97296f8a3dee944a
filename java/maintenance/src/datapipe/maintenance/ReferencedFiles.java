package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ReachableFileUtil;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.io.CloseableIterable;

/** Every file that a table's metadata refers to. */
final class ReferencedFiles {
  private ReferencedFiles() {}

  /** Call a consumer with the location of each file, some of them more than once. */
  static void forEach(ArchiveTable table, Consumer<String> consumer) {
    BaseTable iceberg = table.iceberg();
    Consumer<String> normalized = file -> consumer.accept(FileLocation.normalized(file));
    ReachableFileUtil.metadataFileLocations(iceberg, false).forEach(normalized);
    ReachableFileUtil.statisticsFilesLocations(iceberg).forEach(normalized);
    normalized.accept(ReachableFileUtil.versionHintLocation(iceberg));
    Set<String> manifests = new HashSet<>();
    for (Snapshot snapshot : iceberg.snapshots()) {
      if (snapshot.manifestListLocation() != null) {
        normalized.accept(snapshot.manifestListLocation());
      }
      for (ManifestFile manifest : snapshot.allManifests(iceberg.io())) {
        if (manifests.add(manifest.path())) {
          normalized.accept(manifest.path());
          forEachOf(manifest, iceberg, normalized);
        }
      }
    }
  }

  private static void forEachOf(
      ManifestFile manifest, BaseTable iceberg, Consumer<String> consumer) {
    try (CloseableIterable<String> files =
        ManifestFiles.readPaths(manifest, iceberg.io(), iceberg.specs())) {
      files.forEach(consumer);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
