package datapipe.iceberg;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.aws.AwsClientFactories;
import org.apache.iceberg.io.FileIO;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.Metrics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.glue.GlueClient;
import software.amazon.awssdk.services.glue.model.EntityNotFoundException;

/**
 * Looks at a connector's tables every few minutes, and shows their size and care as MBeans.
 *
 * <pre>
 * datapipe.archive:type=table-state,table=…   snapshots, files, bytes, metadata_bytes,
 *                                             maintained_timestamp_seconds
 * </pre>
 *
 * <p>A look asks Glue where each table's metadata is, and reads it only if that has changed. One thread
 * does it for all watches, so that no commit waits for it, and a watch that follows another one finds
 * that one's MBeans gone.
 */
final class TableWatch {
  private static final Logger LOG = LoggerFactory.getLogger(TableWatch.class);
  private static final String GROUP = "table-state";
  private static final int SECONDS = 300;
  private static final ScheduledExecutorService THREAD =
      Executors.newSingleThreadScheduledExecutor(TableWatch::daemon);
  /** The attributes, by their names in the exporter's rules. */
  private static final Map<String, ToDoubleFunction<TableFigures>> ATTRIBUTES =
      new LinkedHashMap<>();

  static {
    ATTRIBUTES.put("snapshots", figures -> figures.snapshots);
    ATTRIBUTES.put("files", figures -> figures.files);
    ATTRIBUTES.put("bytes", figures -> figures.bytes);
    ATTRIBUTES.put("metadata_bytes", figures -> figures.metadataBytes);
    ATTRIBUTES.put("maintained_timestamp_seconds", figures -> figures.maintainedMs / 1000.0);
  }

  private final Metrics metrics;
  private final Map<String, String> catalog;
  private final Set<String> tables;
  private final Map<String, String> locations = new ConcurrentHashMap<>();
  private final Map<String, TableFigures> figures = new ConcurrentHashMap<>();
  private final Future<?> looks;
  private GlueClient glue;
  private FileIO files;
  private boolean isClosed;

  /** Watches tables, each as database.table, of the catalog with these properties. */
  TableWatch(Metrics metrics, Map<String, String> catalog, Set<String> tables) {
    this.metrics = metrics;
    this.catalog = catalog;
    this.tables = tables;
    looks = THREAD.scheduleWithFixedDelay(
        () -> tables.forEach(this::look), 0, SECONDS, TimeUnit.SECONDS);
  }

  /** Looks at a table soon if it has not been seen yet: the commit may have created it. */
  void committed(String table) {
    if (tables.contains(table) && !figures.containsKey(table)) {
      THREAD.execute(() -> look(table));
    }
  }

  /** What fails is logged and tried again at the next look. */
  private void look(String table) {
    if (isClosed) {
      return;
    }
    try {
      connect();
      String location = location(table);
      if (location.equals(locations.get(table))) {
        return;
      }
      boolean isNew = figures.put(table, TableFigures.read(files.newInputFile(location))) == null;
      locations.put(table, location);
      if (isNew) {
        ATTRIBUTES.forEach(
            (attribute, value) -> metrics.addMetric(
                name(table, attribute),
                (Measurable) (config, now) -> value.applyAsDouble(figures.get(table))));
      }
    } catch (EntityNotFoundException notCreatedYet) {
      LOG.debug("{} does not exist yet", table);
    } catch (Exception triedAgain) {
      LOG.warn("could not read the metadata of {}: {}", table, triedAgain.toString());
    }
  }

  private void connect() {
    if (glue == null) {
      glue = AwsClientFactories.from(catalog).glue();
    }
    if (files == null) {
      files = CatalogUtil.loadFileIO(catalog.get(CatalogProperties.FILE_IO_IMPL), catalog, null);
    }
  }

  private String location(String table) {
    String[] parts = table.split("\\.", 2);
    String location = glue.getTable(request -> request.databaseName(parts[0]).name(parts[1]))
        .table().parameters().get("metadata_location");
    if (location == null) {
      throw new IllegalStateException("Glue has no metadata_location for it");
    }
    return location;
  }

  private MetricName name(String table, String attribute) {
    return metrics.metricName(attribute, GROUP, "at the last look", Map.of("table", table));
  }

  /** Ends the looks and removes what they have shown. */
  void close() {
    looks.cancel(false);
    THREAD.execute(this::release);
  }

  private void release() {
    isClosed = true;
    for (String table : figures.keySet()) {
      ATTRIBUTES.keySet().forEach(attribute -> metrics.removeMetric(name(table, attribute)));
    }
    if (glue != null) {
      glue.close();
    }
    if (files != null) {
      files.close();
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "table-watch");
    thread.setDaemon(true);
    return thread;
  }
}
