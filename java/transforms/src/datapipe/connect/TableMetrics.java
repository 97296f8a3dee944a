package datapipe.connect;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.JmxReporter;
import org.apache.kafka.common.metrics.KafkaMetricsContext;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.Avg;
import org.apache.kafka.common.metrics.stats.CumulativeCount;
import org.apache.kafka.common.metrics.stats.Rate;
import org.apache.kafka.common.metrics.stats.WindowedCount;
import org.apache.kafka.common.utils.Time;

/**
 * The metrics of one table at one checkpoint, as MBeans.
 *
 * <pre>
 * datapipe:type=events,checkpoint=…,table=…,operation=…   rate (per second), total
 * datapipe:type=quality,checkpoint=…,table=…              score (0 to 1; NaN without events)
 * </pre>
 *
 * <p>Before the table there is a tag `source` where two sources may have tables of one name.
 *
 * <p>All tasks of a worker share one set, so the totals survive the restart of a task.
 */
final class TableMetrics {
  private static final MetricConfig RATE_WINDOW =
      new MetricConfig().samples(4).timeWindow(5, TimeUnit.SECONDS);
  private static final MetricConfig SCORE_WINDOW =
      new MetricConfig().samples(10).timeWindow(30, TimeUnit.SECONDS);
  private static final Metrics METRICS = new Metrics(
      new MetricConfig(), List.of(new JmxReporter()), Time.SYSTEM,
      new KafkaMetricsContext("datapipe"));

  private final Map<String, Sensor> events = new ConcurrentHashMap<>();
  private final Map<String, String> tags;
  private final Sensor quality;

  TableMetrics(String checkpoint, String source, String table) {
    tags = new LinkedHashMap<>();
    tags.put("checkpoint", checkpoint);
    if (!source.isEmpty()) {
      tags.put("source", source);
    }
    tags.put("table", table);
    quality = METRICS.sensor("quality" + tags);
    quality.add(name("score", "quality", "share of complete events", tags), new Avg(), SCORE_WINDOW);
  }

  void record(String operation, boolean complete) {
    events.computeIfAbsent(operation, this::eventsOf).record();
    quality.record(complete ? 1 : 0);
  }

  private Sensor eventsOf(String operation) {
    Map<String, String> tagged = new LinkedHashMap<>(tags);
    tagged.put("operation", operation);
    Sensor sensor = METRICS.sensor("events" + tagged);
    sensor.add(name("rate", "events", "events per second", tagged),
        new Rate(TimeUnit.SECONDS, new WindowedCount()), RATE_WINDOW);
    sensor.add(name("total", "events", "events since the worker started", tagged),
        new CumulativeCount());
    return sensor;
  }

  private static MetricName name(
      String name, String group, String description, Map<String, String> tags) {
    return METRICS.metricName(name, group, description, tags);
  }
}
