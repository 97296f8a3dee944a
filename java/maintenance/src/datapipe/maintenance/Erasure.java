package datapipe.maintenance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileInfo;

/**
 * Erases the rows of a key from a table, from its history and from every file in its folder.
 *
 * <p>Each round looks into all objects, writes the table's files without the rows, drops all older
 * snapshots with their files, and deletes files that nothing refers to. Rows that the sink commits
 * meanwhile are kept, or erased in the next round if they are of the key. It can be stopped at any
 * time and run again.
 */
final class Erasure {
  private static final Duration PAUSE = Duration.ofSeconds(2);
  // A commit and a run of this program take less: what nothing refers to then is left of one that
  // failed. A data file of the sink can wait longer for its commit.
  private static final Duration OWN_GRACE = Duration.ofHours(1);
  // As DataFiles names them; the sink's have a time in place of the second 1.
  private static final Pattern OWN_FILE = Pattern.compile("00001-1-[-0-9a-f]{36}-\\d{5}\\.parquet");
  private static final long UNBOUNDED_FILE = Long.MAX_VALUE;
  private static final String MANIFEST = ".avro";

  private final ArchiveTable table;
  private final ErasureRequest request;
  private final StopSignal stop;
  private final KeyMatch match;
  private final ErasedRows erased;
  private final KeySearch search;
  private final Residue residue;
  private final ErasureAudit audit;

  Erasure(ArchiveTable table, ErasureRequest request, StopSignal stop) {
    this.table = table;
    this.request = request;
    this.stop = stop;
    this.match = new KeyMatch(table.iceberg().schema(), request.key());
    this.erased = new ErasedRows(match);
    this.search = new KeySearch(table, match, stop);
    this.residue = new Residue(table, search);
    this.audit = new ErasureAudit(table, request);
  }

  /** What a round found: data files with rows of the key, and other objects with their values. */
  private record Remains(KeySearch.Found found, List<FileInfo> metadata) {
    boolean isEmpty() {
      return found.holding().isEmpty() && metadata.isEmpty();
    }

    List<FileInfo> objects() {
      List<FileInfo> objects = new ArrayList<>(found.holding());
      objects.addAll(metadata);
      return objects;
    }
  }

  /** Returns whether the rows are gone, or would be: nothing prevents it. */
  boolean run() {
    requireNoReferences();
    Remains remains = look();
    List<FileScanTask> current = current(remains);
    Set<String> related = new RelatedKeys(table, match).find(current);
    audit.found(remains.found(), current, related);
    table.log(
        "%d of %d data files have %d rows of the key, %d of the files in the present snapshot",
        remains.found().holding().size(),
        remains.found().dataFiles(),
        remains.found().rows(),
        current.size());
    related.forEach(key -> table.log("an update changed the key from or to %s; erase it, too", key));
    if (request.isDryRun()) {
      System.out.println(audit.text("dry run"));
      return true;
    }
    if (!audit.continueUnfinished() && remains.found().holding().isEmpty()) {
      table.log("no row has the key, so nothing was changed");
      System.out.println(audit.text("nothing"));
      return true;
    }
    Instant deadline = Instant.now().plus(request.longestWait());
    while (!remains.isEmpty()) {
      stop.check();
      round(remains);
      remains = look();
      if (!remains.isEmpty()) {
        remains.objects().forEach(object -> table.log("not erased yet: %s", object.location()));
        if (Instant.now().isAfter(deadline)) {
          return fail(remains);
        }
        pause();
      }
    }
    audit.proven(remains.found());
    System.out.println(audit.write(ErasureAudit.DONE));
    return true;
  }

  private boolean fail(Remains remains) {
    table.log(
        "%d objects can have rows of the key and belong to no snapshot, and can still be committed."
            + " Run it again later: it deletes what a run of the maintenance has left after %d hour,"
            + " and what the sink has left after %d hours",
        remains.objects().size(),
        OWN_GRACE.toHours(),
        table.settings().orphansMinAge().toHours());
    audit.proven(remains.found());
    System.out.println(audit.write("incomplete"));
    return false;
  }

  /** A branch or tag would keep the files of its snapshot. */
  private void requireNoReferences() {
    Set<String> others = new TreeSet<>(table.iceberg().refs().keySet());
    others.remove(SnapshotRef.MAIN_BRANCH);
    if (!others.isEmpty()) {
      throw new InvalidSettingsException(
          table.name() + " has the branches or tags " + others + ", which keep old files; drop them");
    }
  }

  private Remains look() {
    table.iceberg().refresh();
    KeySearch.Found found = search.search();
    return new Remains(found, residue.find(found.others(), erased.texts()));
  }

  private List<FileScanTask> current(Remains remains) {
    Set<String> holding = names(remains.found().holding());
    List<FileScanTask> tasks = new ArrayList<>();
    try (CloseableIterable<FileScanTask> files = table.iceberg().newScan().planFiles()) {
      for (FileScanTask file : files) {
        if (holding.contains(FileLocation.normalized(file.file().location()))) {
          tasks.add(file);
        }
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return tasks;
  }

  private void round(Remains remains) {
    Set<String> committed = new HashSet<>();
    Set<String> names = names(remains.objects());
    ReferencedFiles.forEach(
        table,
        file -> {
          if (names.contains(file)) {
            committed.add(file);
          }
        });
    audit.committed(committed);
    rewrite(remains);
    if (table.iceberg().currentSnapshot() != null) {
      // The snapshots of the rewriting list the old files as deleted, with their bounds.
      table.commit(
          () -> table.iceberg().rewriteManifests().clusterBy(file -> "").rewriteIf(all -> true));
      Expiry.Expired expired = new Expiry(table).expire(0, 1);
      audit.expired(expired);
      table.log("%d snapshots expired, %d files deleted", expired.snapshots(), expired.files());
    }
    deleteUnreferenced(remains);
  }

  /** Write the present snapshot's files without the rows, and commit that. */
  private void rewrite(Remains remains) {
    BaseTable iceberg = table.iceberg();
    List<FileScanTask> tasks = current(remains);
    if (tasks.isEmpty()) {
      return;
    }
    long planned = iceberg.currentSnapshot().snapshotId();
    FileRewriter rewriter = new FileRewriter(table);
    List<RewrittenFiles> rewritten = new ArrayList<>();
    for (FileScanTask task : tasks) {
      stop.check();
      if (task.file().specId() != iceberg.spec().specId()) {
        throw new IllegalStateException(
            task.file().location() + " is partitioned as the table was before; it can't be rewritten");
      }
      rewritten.add(
          rewriter.rewrite(List.of(task), task.file().partition(), UNBOUNDED_FILE, erased));
      table.log("rewrote %s", task.file().location());
    }
    table.commit(
        () -> {
          RewriteFiles update = iceberg.newRewrite().validateFromSnapshot(planned);
          for (RewrittenFiles files : rewritten) {
            files.read().forEach(update::deleteFile);
            files.written().forEach(update::addFile);
          }
          return update;
        });
    audit.rewritten(rewritten);
  }

  /** Delete objects that no commit can refer to any more. */
  private void deleteUnreferenced(Remains remains) {
    Map<String, FileInfo> unreferenced = new HashMap<>();
    for (FileInfo object : remains.objects()) {
      String name = object.location().substring(object.location().lastIndexOf('/') + 1);
      boolean isOwn = name.endsWith(MANIFEST) || OWN_FILE.matcher(name).matches();
      Duration grace = isOwn ? OWN_GRACE : table.settings().orphansMinAge();
      boolean isOld =
          Instant.ofEpochMilli(object.createdAtMillis()).isBefore(Instant.now().minus(grace));
      String location = FileLocation.normalized(object.location());
      if (isOld || audit.wasCommitted(location)) {
        unreferenced.put(location, object);
      }
    }
    table.iceberg().refresh();
    ReferencedFiles.forEach(table, unreferenced::remove);
    int deleted =
        new FileDeletion(table)
            .delete(unreferenced.values().stream().map(FileInfo::location).toList());
    audit.deleted(deleted);
  }

  private static Set<String> names(List<FileInfo> files) {
    Set<String> names = new HashSet<>();
    files.forEach(file -> names.add(FileLocation.normalized(file.location())));
    return names;
  }

  private void pause() {
    try {
      Thread.sleep(PAUSE.toMillis());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted", interrupted);
    }
  }
}
