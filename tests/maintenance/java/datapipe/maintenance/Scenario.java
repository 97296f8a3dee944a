package datapipe.maintenance;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;

/** One table in a folder, the sink that writes it, and its maintenance. */
final class Scenario {
  static final String NAME = "cdc.t";
  private static final TableIdentifier TABLE = TableIdentifier.parse(NAME);

  final SinkLike sink;
  final RandomRows random;
  final List<String> printed = new ArrayList<>();
  private final LocalCatalog catalog;
  private final Path folder;

  Scenario(Path folder, long seed) {
    this.folder = folder;
    catalog = new LocalCatalog("file://" + folder);
    PartitionSpec byHour = PartitionSpec.builderFor(RandomRows.SCHEMA).hour(RandomRows.TIME).build();
    Table table =
        catalog
            .buildTable(TABLE, RandomRows.SCHEMA)
            .withPartitionSpec(byHour)
            .withProperty("write.parquet.row-group-size-bytes", "16777216")
            .create();
    sink = new SinkLike(table);
    random = new RandomRows(seed);
  }

  /** Commits of the sink, each with a few rows of so many hours ago. */
  void commits(int count, int hoursAgo) throws IOException {
    for (int i = 0; i < count; i++) {
      sink.write(random.rows(7, hoursAgo));
      sink.commit();
    }
  }

  Settings settings(Duration snapshotsMaxAge, int snapshotsMaxCount) {
    return new Settings(
        Map.of(),
        List.of(NAME),
        Map.of("write.metadata.previous-versions-max", "3"),
        Map.of(NAME, List.of("id")),
        "file://" + folder,
        SinkLike.PREFIX,
        snapshotsMaxAge,
        snapshotsMaxCount,
        1L << 20,
        Duration.ofMinutes(1),
        Duration.ofDays(3));
  }

  /** Runs the maintenance; returns whether it says that all went well. */
  boolean maintain(Settings settings) {
    PrintStream usual = System.out;
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    System.setOut(new PrintStream(lines, true, StandardCharsets.UTF_8));
    try {
      return new Maintenance(new Archive(settings, catalog), new StopSignal()).run();
    } finally {
      System.setOut(usual);
      lines.toString(StandardCharsets.UTF_8).lines().forEach(printed::add);
    }
  }

  Table table() {
    return catalog.loadTable(TABLE);
  }

  /** Whether a reader finds exactly the rows that the sink has written. */
  boolean hasAllRowsOnce() throws IOException {
    RowDigest found = new RowDigest();
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table()).build()) {
      rows.forEach(found::add);
    }
    return found.equalsIn(sink.rows);
  }

  /** Files that the metadata refers to and that are missing. */
  Set<String> missingFiles() {
    Set<String> referenced = new HashSet<>();
    Settings any = settings(Duration.ZERO, 1);
    ReferencedFiles.forEach(
        new ArchiveTable(NAME, (BaseTable) table(), any), referenced::add);
    referenced.removeIf(file -> file.endsWith("version-hint.text"));
    referenced.removeIf(file -> new File(file.substring("file://".length())).exists());
    return referenced;
  }

  Set<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return new HashSet<>(files.filter(Files::isRegularFile).map(Path::toString).toList());
    }
  }

  /** Makes every file older. */
  void age(Duration by) throws IOException {
    for (String file : files()) {
      new File(file).setLastModified(System.currentTimeMillis() - by.toMillis());
    }
  }

  String metadata() {
    return catalog.metadata(TABLE);
  }
}
