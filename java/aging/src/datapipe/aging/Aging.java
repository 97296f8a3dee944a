package datapipe.aging;

import datapipe.maintenance.MaintenanceRun;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;

/** The life of one table, commit by commit; where nothing maintains it, most of it in bulk. */
final class Aging {
  private final int intervalMillis;
  private final int[] checkpoints;
  private final int realCommits;
  private final int timedCommits;
  private final int maintainEvery;
  private final MaintenanceRun maintenance;
  private final FolderCatalog catalog = new FolderCatalog();
  private final SinkTable sink;
  private final Measurements measurements;
  private final long began = SimulatedClock.currentTimeMillis();

  Aging(Properties settings, PrintStream results) throws Exception {
    intervalMillis = number(settings, "interval.ms");
    SimulatedClock.limit(intervalMillis / 2);
    checkpoints =
        Arrays.stream(settings.getProperty("checkpoints").split(","))
            .mapToInt(Integer::parseInt)
            .toArray();
    realCommits = number(settings, "commits.real");
    timedCommits = number(settings, "commits.timed");
    maintainEvery = number(settings, "maintain.every");
    maintenance =
        maintainEvery == 0 ? null : MaintenanceRun.of(settings.getProperty("maintenance"));
    Map<String, String> catalogProperties = withPrefix(settings, "catalog.");
    catalog.initialize("aging", catalogProperties);
    sink =
        new SinkTable(
            catalog,
            TableIdentifier.parse(settings.getProperty("table")),
            number(settings, "rows"),
            number(settings, "keys"),
            withPrefix(settings, "table."));
    measurements =
        new Measurements(sink, Path.of(catalogProperties.get("folder")), timedCommits, results);
  }

  private static int number(Properties settings, String key) {
    return Integer.parseInt(settings.getProperty(key));
  }

  private static Map<String, String> withPrefix(Properties settings, String prefix) {
    Map<String, String> found = new HashMap<>();
    for (String key : settings.stringPropertyNames()) {
      if (key.startsWith(prefix)) {
        found.put(key.substring(prefix.length()), settings.getProperty(key));
      }
    }
    return found;
  }

  void run() throws Exception {
    int commit = 0;
    for (int checkpoint : checkpoints) {
      while (commit < checkpoint) {
        int skippable = checkpoint - timedCommits - commit - 1;
        if (maintainEvery == 0 && commit >= realCommits && skippable > 0) {
          bulk(commit + 1, skippable);
          commit += skippable + 1;
        } else {
          commit++;
          real(commit);
        }
        if (maintainEvery > 0 && commit % maintainEvery == 0) {
          measurements.maintained(maintenance);
        }
      }
      measurements.print(checkpoint);
      // The caller reads the files before the table goes on.
      System.in.read();
    }
  }

  private long at(int commit) {
    return began + (long) commit * intervalMillis;
  }

  private void real(int commit) throws IOException {
    long millis = at(commit);
    SimulatedClock.moveTo(millis);
    DataFile file = sink.write(sink.load(), commit, millis - 1);
    String superseded = metadata();
    measurements.timed(() -> sink.commit(List.of(file), commit, millis));
    if (maintainEvery == 0) {
      drop(superseded);
    }
  }

  /** Adds snapshots without files, and then one that has the files of all of them and its own. */
  private void bulk(int first, int skipped) throws IOException {
    Table table = sink.load();
    List<DataFile> files = new ArrayList<>();
    for (int commit = first; commit <= first + skipped; commit++) {
      files.add(sink.write(table, commit, at(commit) - 1));
    }
    measurements.beforeBulk();
    SimulatedClock.moveTo(at(first + skipped));
    String superseded = metadata();
    for (int added = 0; added < skipped; added += BulkSnapshots.AT_ONCE) {
      BulkSnapshots.add(
          table, Math.min(BulkSnapshots.AT_ONCE, skipped - added), intervalMillis);
      if (added == 0) {
        drop(superseded);
      } else {
        // Its size is in what Measurements computes for these commits.
        Files.delete(((FolderFileIO) table.io()).path(superseded));
      }
      superseded = metadata();
    }
    sink.commit(files, first + skipped, at(first + skipped));
    Files.delete(((FolderFileIO) table.io()).path(superseded));
    measurements.afterBulk(skipped);
  }

  private String metadata() {
    return ((HasTableOperations) sink.load()).operations().current().metadataFileLocation();
  }

  /**
   * Frees the disk of a metadata file that S3 would keep, and nothing reads.
   *
   * <p>All of them together would be a terabyte.
   */
  private void drop(String metadata) throws IOException {
    Path path = ((FolderFileIO) sink.load().io()).path(metadata);
    measurements.keptElsewhere(Files.size(path));
    Files.delete(path);
  }
}
