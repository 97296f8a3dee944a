package datapipe.maintenance;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.SnapshotUpdate;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.exceptions.CommitFailedException;

/** A table of the archive. Every commit to it keeps the sink's place (PlaceGuard). */
final class ArchiveTable {
  // The sink commits at most every second, and to plan and commit again takes less.
  private static final int ATTEMPTS = 20;
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private final String name;
  private final BaseTable table;
  private final Settings settings;

  ArchiveTable(String name, BaseTable table, Settings settings) {
    this.name = name;
    this.settings = settings;
    PlaceGuard guard = new PlaceGuard(table.operations(), settings.offsetsPrefix());
    this.table = new BaseTable(guard, table.name(), table.reporter());
  }

  String name() {
    return name;
  }

  Settings settings() {
    return settings;
  }

  BaseTable iceberg() {
    return table;
  }

  /** The metadata as last read or committed. */
  TableMetadata metadata() {
    return table.operations().current();
  }

  SinkPlace place() {
    return SinkPlace.of(metadata(), settings.offsetsPrefix());
  }

  /** Print what was done. */
  void log(String format, Object... arguments) {
    System.out.println(name + ": " + String.format(format, arguments));
  }

  /**
   * Commit a new snapshot that has the sink's offsets.
   *
   * @param update prepares the update; again on the new state if the sink has committed since
   */
  void commit(Supplier<SnapshotUpdate<?>> update) {
    attempt(
        () -> {
          SnapshotUpdate<?> prepared = update.get();
          place().carryTo(prepared);
          prepared.commit();
        });
  }

  /** Read the table and run a change of it; again if another process has committed since. */
  void attempt(Runnable change) {
    for (int attempt = 1; ; attempt++) {
      table.refresh();
      try {
        change.run();
        return;
      } catch (PlaceMovedException | CommitFailedException lost) {
        if (attempt == ATTEMPTS) {
          throw lost;
        }
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(LONGEST_PAUSE.toMillis()));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", interrupted);
    }
  }
}
