package datapipe.aging;

import com.fasterxml.jackson.databind.ObjectMapper;
import datapipe.aging.Requests.Kind;
import datapipe.maintenance.MaintenanceRun;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.CloseableIterable;

/** What is measured of a table as it ages. */
final class Measurements {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PLANS = 3;

  private final SinkTable sink;
  private final Path folder;
  private final int timedCommits;
  private final PrintStream results;
  private final List<Double> commitMillis = new ArrayList<>();
  private final Map<Kind, Long> commitRequests = new EnumMap<>(Kind.class);
  private final Map<Kind, Long> maintenanceRequests = new EnumMap<>(Kind.class);
  private int commits;
  private int bulkCommits;
  private int runs;
  private double maintenanceSeconds;
  private double slowestRun;
  /** Of objects that S3 would have and the disk does not. */
  private long keptElsewhere;
  private long metadataBytesBeforeBulk;

  Measurements(SinkTable sink, Path folder, int timedCommits, PrintStream results) {
    this.sink = sink;
    this.folder = folder;
    this.timedCommits = timedCommits;
    this.results = results;
  }

  /** Makes and measures a commit; what was requested before it is the task's file. */
  void timed(Runnable commit) {
    long start = System.nanoTime();
    commit.run();
    commitMillis.add((System.nanoTime() - start) / 1e6);
    commits++;
    Requests.take().forEach((kind, count) -> commitRequests.merge(kind, count, Long::sum));
  }

  void maintained(MaintenanceRun maintenance) throws Exception {
    Requests.take();
    long start = System.nanoTime();
    maintenance.run();
    double seconds = (System.nanoTime() - start) / 1e9;
    runs++;
    maintenanceSeconds += seconds;
    slowestRun = Math.max(slowestRun, seconds);
    Requests.take().forEach((kind, count) -> maintenanceRequests.merge(kind, count, Long::sum));
  }

  void keptElsewhere(long bytes) {
    keptElsewhere += bytes;
  }

  void beforeBulk() {
    metadataBytesBeforeBulk = metadataBytes();
  }

  /** Counts the metadata that so many commits would have left, each a snapshot larger. */
  void afterBulk(int skipped) {
    bulkCommits += skipped;
    keptElsewhere += skipped * (metadataBytesBeforeBulk + metadataBytes()) / 2;
    Requests.take();
  }

  private Path metadata() {
    Table table = sink.load();
    String location = ((HasTableOperations) table).operations().current().metadataFileLocation();
    return ((FolderFileIO) table.io()).path(location);
  }

  private long metadataBytes() {
    return metadata().toFile().length();
  }

  /** Prints the state after a number of commits, and begins the next counts. */
  void print(int checkpoint) throws IOException {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("commits", checkpoint);
    result.put("bulkCommits", bulkCommits);
    Table table = sink.load();
    result.put("snapshots", ((HasTableOperations) table).operations().current().snapshots().size());
    result.put("metadataBytes", metadataBytes());
    try (Stream<Path> found = Files.walk(folder)) {
      List<Path> objects = found.filter(Files::isRegularFile).collect(Collectors.toList());
      result.put("objects", objects.size());
      long onDisk = objects.stream().mapToLong(path -> path.toFile().length()).sum();
      result.put("bytes", keptElsewhere + onDisk);
    }
    int measured = commitMillis.size();
    result.put(
        "commitMillis", median(commitMillis.subList(measured - timedCommits, measured)));
    result.put("commitRequests", perUnit(commitRequests, commits));
    plan(result);
    result.put("maintenanceRuns", runs);
    result.put("maintenanceSeconds", maintenanceSeconds);
    result.put("slowestRun", slowestRun);
    result.put("maintenanceRequests", perUnit(maintenanceRequests, runs));
    result.put("metadataFile", metadata().toString());
    results.println(JSON.writeValueAsString(result));
    commits = 0;
    runs = 0;
    maintenanceSeconds = 0;
    slowestRun = 0;
    commitRequests.clear();
    maintenanceRequests.clear();
    Requests.take();
  }

  private void plan(Map<String, Object> result) throws IOException {
    List<Double> millis = new ArrayList<>();
    List<String> files = new ArrayList<>();
    for (int i = 0; i < PLANS; i++) {
      files.clear();
      Requests.take();
      long start = System.nanoTime();
      Table table = sink.load();
      try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
        tasks.forEach(
            task -> files.add(((FolderFileIO) table.io()).path(task.file().location()).toString()));
      }
      millis.add((System.nanoTime() - start) / 1e6);
    }
    Path list = folder.resolveSibling("planned.txt");
    Files.write(list, files);
    result.put("planMillis", median(millis));
    result.put("planRequests", perUnit(Requests.take(), 1));
    result.put("files", files.size());
    result.put("plannedFiles", list.toString());
  }

  private static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  private static Map<String, Double> perUnit(Map<Kind, Long> counts, int units) {
    Map<String, Double> found = new LinkedHashMap<>();
    counts.forEach(
        (kind, count) -> found.put(kind.name().toLowerCase(), units == 0 ? 0 : count / (double) units));
    return found;
  }
}
