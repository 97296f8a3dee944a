package datapipe.maintenance;

import java.time.Duration;
import java.util.Map;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.exceptions.ValidationException;

/** Maintains every table of the settings, one after the other. */
final class Maintenance {
  private static final int ATTEMPTS = 3;

  private final Archive archive;
  private final Settings settings;
  private final StopSignal stop;

  Maintenance(Archive archive, StopSignal stop) {
    this.archive = archive;
    this.settings = archive.settings();
    this.stop = stop;
  }

  /** Returns whether all went well. A table that fails does not keep the others from it. */
  boolean run() {
    boolean isDone = true;
    for (String name : settings.tables()) {
      try {
        stop.check();
        if (archive.has(name)) {
          maintain(name);
        } else {
          System.out.println(name + ": the sink has not created it yet");
        }
      } catch (StopSignal.StoppedException stopped) {
        System.out.println(name + ": " + stopped.getMessage());
        return false;
      } catch (RuntimeException failure) {
        System.out.println(name + ": failed: " + failure);
        failure.printStackTrace();
        isDone = false;
      }
    }
    return isDone;
  }

  /** Maintain a table; again if another maintenance or an erasure has removed what is needed. */
  private void maintain(String name) {
    for (int attempt = 1; ; attempt++) {
      try {
        maintain(archive.table(name));
        return;
      } catch (NotFoundException | ValidationException changed) {
        if (attempt == ATTEMPTS) {
          throw changed;
        }
        System.out.println(name + ": again, as it has changed: " + changed.getMessage());
      }
    }
  }

  private void maintain(ArchiveTable table) {
    long start = System.nanoTime();
    TableSettings metadata = new TableSettings(table);
    Map<String, String> changed = metadata.apply();
    if (!changed.isEmpty()) {
      table.log("table properties set: %s", changed);
    }
    // First, so that the steps after it read little metadata.
    Expiry.Expired before = expire(table);
    stop.check();
    Compaction.Compacted compacted = new Compaction(table, stop).run();
    table.log("%d files compacted to %d", compacted.rewritten(), compacted.written());
    stop.check();
    int manifests = new Manifests(table).rewrite();
    table.log("%d manifests rewritten", manifests);
    stop.check();
    Expiry.Expired after = expire(table);
    stop.check();
    Orphans.Found found = new Orphans(table, settings.orphansMinAge()).delete();
    table.log("%d orphans deleted", found.deleted());
    metadata.stamp();
    Expiry.Expired expired =
        new Expiry.Expired(
            before.snapshots() + after.snapshots(), before.files() + after.files());
    long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
    System.out.println(
        TableReport.of(table, found, compacted.rewritten(), expired, seconds));
  }

  private Expiry.Expired expire(ArchiveTable table) {
    Expiry.Expired expired =
        new Expiry(table)
            .expire(settings.snapshotsMaxAge().toMillis(), settings.snapshotsMaxCount());
    table.log("%d snapshots expired, %d files deleted", expired.snapshots(), expired.files());
    return expired;
  }
}
