package datapipe.iceberg;

import java.net.URI;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.metrics.CommitMetricsResult;
import org.apache.iceberg.metrics.CommitReport;
import org.apache.iceberg.metrics.CounterResult;
import org.apache.iceberg.metrics.MetricsReport;
import org.apache.iceberg.metrics.MetricsReporter;
import org.apache.kafka.common.metrics.JmxReporter;
import org.apache.kafka.common.metrics.KafkaMetricsContext;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.CumulativeSum;
import org.apache.kafka.common.utils.Time;

/**
 * Counts the commits of Iceberg's sink and their files, records and bytes, as MBeans.
 *
 * <pre>
 * datapipe.archive:type=uploads,connector=…,bucket=…   files
 * datapipe.archive:type=tables,table=…                 commits, files, records, bytes
 * </pre>
 *
 * <p>All are totals since the worker started. A data file counts once a snapshot refers to it. The
 * sink has no metrics of its own; after each commit, Iceberg calls the reporter that the catalog's
 * property metrics-reporter-impl names.
 *
 * <p>Each task has a catalog and so a reporter. The first of a connector starts the TableWatch of the
 * tables that metrics-reporter.tables names; the last that is closed ends it.
 */
public class CommitCounter implements MetricsReporter {
  private static final String CONNECTOR = "metrics-reporter.connector";
  private static final String TABLES = "metrics-reporter.tables";
  private static final Metrics METRICS = new Metrics(
      new MetricConfig(), List.of(new JmxReporter()), Time.SYSTEM,
      new KafkaMetricsContext("datapipe.archive"));

  /** By connector. */
  private static final Map<String, Shared> WATCHES = new HashMap<>();

  /** A watch, and how many reporters use it. */
  private static final class Shared {
    private final TableWatch watch;
    private int users = 1;

    Shared(TableWatch watch) {
      this.watch = watch;
    }
  }

  private Map<String, String> destination;
  private Shared tables;

  @Override
  public void initialize(Map<String, String> catalogProperties) {
    destination = new LinkedHashMap<>();
    destination.put("connector", catalogProperties.get(CONNECTOR));
    destination.put("bucket", URI.create(catalogProperties.get("warehouse")).getHost());
    // Registered with 0, so that the first upload is an increase.
    total("files", "uploads", destination);
    tables = share(catalogProperties.get(CONNECTOR), catalogProperties);
  }

  private static Shared share(String connector, Map<String, String> catalog) {
    synchronized (WATCHES) {
      Shared known = WATCHES.get(connector);
      if (known != null) {
        known.users++;
        return known;
      }
      Set<String> names = Set.of(catalog.getOrDefault(TABLES, "").split(","));
      Shared first = new Shared(new TableWatch(METRICS, catalog, names));
      WATCHES.put(connector, first);
      return first;
    }
  }

  @Override
  public void close() {
    synchronized (WATCHES) {
      if (tables != null && --tables.users == 0) {
        WATCHES.values().remove(tables);
        tables.watch.close();
      }
      tables = null;
    }
  }

  @Override
  public void report(MetricsReport report) {
    if (!(report instanceof CommitReport)) {
      return;
    }
    CommitReport commit = (CommitReport) report;
    CommitMetricsResult done = commit.commitMetrics();
    // catalog.database.table
    String name = commit.tableName().substring(commit.tableName().indexOf('.') + 1);
    Map<String, String> table = Map.of("table", name);
    total("files", "uploads", destination).record(value(done.addedDataFiles()));
    total("commits", "tables", table).record(1);
    total("files", "tables", table).record(value(done.addedDataFiles()));
    total("records", "tables", table).record(value(done.addedRecords()));
    total("bytes", "tables", table).record(value(done.addedFilesSizeInBytes()));
    tables.watch.committed(name);
  }

  private static long value(CounterResult counter) {
    return counter == null ? 0 : counter.value();
  }

  private static Sensor total(String name, String group, Map<String, String> tags) {
    Sensor sensor = METRICS.sensor(name + group + tags);
    sensor.add(METRICS.metricName(name, group, "since the worker started", tags),
        new CumulativeSum());
    return sensor;
  }
}
