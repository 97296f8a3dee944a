package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionField;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.actions.BinPackRewriteFilePlanner;
import org.apache.iceberg.actions.RewriteFileGroup;
import org.apache.iceberg.actions.SizeBasedFileRewritePlanner;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;

/**
 * Writes the small files of each closed hour into few, sorted by key.
 *
 * <p>Only tables that are partitioned by the hour of one column, as the sink creates them.
 */
final class Compaction {
  private static final long HOUR_MICROS = Duration.ofHours(1).toNanos() / 1000;
  private static final String LEAST_FILES = "2";
  private static final Duration UNCOMMITTED = Duration.ofMinutes(1);

  private final ArchiveTable table;
  private final StopSignal stop;
  private final Map<String, String> options = new HashMap<>();
  private final List<RewrittenFiles> uncommitted = new ArrayList<>();
  private long startingSnapshot;
  private long lastCommit;
  private int rewritten;
  private int written;

  Compaction(ArchiveTable table, StopSignal stop) {
    this.table = table;
    this.stop = stop;
    long target = table.settings().filesTargetBytes();
    options.put(SizeBasedFileRewritePlanner.TARGET_FILE_SIZE_BYTES, Long.toString(target));
    options.put(SizeBasedFileRewritePlanner.MIN_INPUT_FILES, LEAST_FILES);
    // Sorted together, partly in local files, which take about as much or a few times that.
    options.put(SizeBasedFileRewritePlanner.MAX_FILE_GROUP_SIZE_BYTES, Long.toString(target));
  }

  /** How many files were replaced by how many. */
  record Compacted(int rewritten, int written) {}

  Compacted run() {
    BaseTable iceberg = table.iceberg();
    iceberg.refresh();
    if (iceberg.currentSnapshot() == null) {
      return new Compacted(0, 0);
    }
    if (!isByHour()) {
      table.log("not compacted: it is not partitioned by hour");
      return new Compacted(0, 0);
    }
    try {
      for (Expression hour : hoursWithSmallFiles()) {
        stop.check();
        compact(hour);
      }
      commit();
    } catch (StopSignal.StoppedException stopped) {
      commit();
      throw stopped;
    } catch (CommitStateUnknownException unknown) {
      // The files may be the table's now.
      throw unknown;
    } catch (RuntimeException failure) {
      FileRewriter rewriter = new FileRewriter(table);
      uncommitted.forEach(files -> rewriter.discard(files.written()));
      throw failure;
    }
    return new Compacted(rewritten, written);
  }

  private boolean isByHour() {
    List<PartitionField> fields = table.iceberg().spec().fields();
    return fields.size() == 1 && fields.get(0).transform().toString().equals("hour");
  }

  private String timeColumn() {
    return table.iceberg().schema().findColumnName(table.iceberg().spec().fields().get(0).sourceId());
  }

  /** Filters of the closed hours that have two small files or more, the oldest first. */
  private List<Expression> hoursWithSmallFiles() {
    String column = timeColumn();
    long closed = System.currentTimeMillis() - table.settings().filesClosedAfter().toMillis();
    long firstOpen = closed / Duration.ofHours(1).toMillis();
    Expression isClosed =
        Expressions.or(
            Expressions.lessThan(column, firstOpen * HOUR_MICROS), Expressions.isNull(column));
    TreeMap<Integer, Integer> counts = new TreeMap<>();
    int withoutTime = 0;
    try (CloseableIterable<FileScanTask> files =
        table.iceberg().newScan().filter(isClosed).ignoreResiduals().planFiles()) {
      for (FileScanTask file : files) {
        if (file.file().specId() != table.iceberg().spec().specId() || !isCandidate(file)) {
          continue;
        }
        Integer hour = file.file().partition().get(0, Integer.class);
        if (hour == null) {
          withoutTime++;
        } else {
          counts.merge(hour, 1, Integer::sum);
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    List<Expression> hours = new ArrayList<>();
    if (withoutTime > 1) {
      hours.add(Expressions.isNull(column));
    }
    counts.forEach(
        (hour, count) -> {
          if (count > 1) {
            hours.add(
                Expressions.and(
                    Expressions.greaterThanOrEqual(column, hour * HOUR_MICROS),
                    Expressions.lessThan(column, (hour + 1) * HOUR_MICROS)));
          }
        });
    return hours;
  }

  /** Whether the planner may rewrite a file, which then costs to plan its hour. */
  private boolean isCandidate(FileScanTask file) {
    double share = (double) file.file().fileSizeInBytes() / table.settings().filesTargetBytes();
    return share < SizeBasedFileRewritePlanner.MIN_FILE_SIZE_DEFAULT_RATIO
        || share > SizeBasedFileRewritePlanner.MAX_FILE_SIZE_DEFAULT_RATIO
        || !file.deletes().isEmpty();
  }

  private void compact(Expression hour) {
    BaseTable iceberg = table.iceberg();
    BinPackRewriteFilePlanner planner = new BinPackRewriteFilePlanner(iceberg, hour);
    planner.init(options);
    Snapshot planned = iceberg.currentSnapshot();
    FileRewriter rewriter = new FileRewriter(table);
    for (RewriteFileGroup group : planner.plan().groups()) {
      stop.check();
      List<FileScanTask> tasks = new ArrayList<>(group.fileScanTasks());
      if (tasks.stream().anyMatch(task -> task.file().specId() != iceberg.spec().specId())) {
        continue;
      }
      if (uncommitted.isEmpty()) {
        startingSnapshot = planned.snapshotId();
        lastCommit = System.nanoTime();
      }
      uncommitted.add(
          rewriter.rewrite(
              tasks, group.info().partition(), group.maxOutputFileSize(), row -> true));
      if (System.nanoTime() - lastCommit > UNCOMMITTED.toNanos()) {
        commit();
      }
    }
  }

  private void commit() {
    if (uncommitted.isEmpty()) {
      return;
    }
    table.commit(
        () -> {
          RewriteFiles rewrite =
              table.iceberg().newRewrite().validateFromSnapshot(startingSnapshot);
          for (RewrittenFiles files : uncommitted) {
            files.read().forEach(rewrite::deleteFile);
            files.written().forEach(rewrite::addFile);
          }
          return rewrite;
        });
    for (RewrittenFiles files : uncommitted) {
      rewritten += files.read().size();
      written += files.written().size();
    }
    uncommitted.clear();
  }
}
