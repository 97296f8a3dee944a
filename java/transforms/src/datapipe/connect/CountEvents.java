package datapipe.connect;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Counts change events by table and operation, and how many of them are complete; changes nothing.
 *
 * <p>Debezium's own MBeans count all tables together. A record without an operation (heartbeats,
 * transaction metadata) is not a change event and is not counted.
 */
public class CountEvents<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String CHECKPOINT = "checkpoint";
  static final String TOPIC_PREFIX = "topic.prefix";
  static final String SOURCE = "source";

  private final Map<String, TableMetrics> tables = new ConcurrentHashMap<>();
  private final Set<String> keyed = ConcurrentHashMap.newKeySet();
  private String checkpoint;
  private String prefix;
  private String source;

  @Override
  public R apply(R record) {
    if (record.topic().startsWith(prefix) && record.value() instanceof Struct) {
      Struct event = (Struct) record.value();
      Object operation = value(event, "__op");
      if (operation != null) {
        tables.computeIfAbsent(record.topic(), this::metricsOf)
            .record(
                operation.toString(),
                hasItsKey(record, operation) && isComplete(event, operation.toString()));
      }
    }
    return record;
  }

  private TableMetrics metricsOf(String topic) {
    return new TableMetrics(checkpoint, source, topic.substring(prefix.length()));
  }

  /**
   * Returns whether an event has a key, or needs none: a TRUNCATE is about no single row, and no
   * event of a table without a primary key ever had one.
   */
  private boolean hasItsKey(R record, Object operation) {
    if (record.key() != null) {
      keyed.add(record.topic());
      return true;
    }
    return Envelopes.TRUNCATE.equals(operation) || !keyed.contains(record.topic());
  }

  /** Returns whether an event has its operation, time and position in the log. */
  private static boolean isComplete(Struct event, String operation) {
    return "cudrt".contains(operation)
        && value(event, "__source_ts_ms") != null
        && value(event, "__source_lsn") != null
        && String.valueOf("d".equals(operation)).equals(String.valueOf(value(event, "__deleted")));
  }

  private static Object value(Struct event, String name) {
    Field field = event.schema().field(name);
    return field == null ? null : event.getWithoutDefault(name);
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(CHECKPOINT, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "Where in the pipeline the events are counted; a tag of the metrics.")
        .define(TOPIC_PREFIX, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The prefix of the tables' topics, including its dot.")
        .define(SOURCE, ConfigDef.Type.STRING, "", ConfigDef.Importance.MEDIUM,
            "The source of the tables, a tag of the metrics; empty where one has no such tag.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    Map<String, Object> parsed = config().parse(settings);
    checkpoint = (String) parsed.get(CHECKPOINT);
    prefix = (String) parsed.get(TOPIC_PREFIX);
    source = (String) parsed.get(SOURCE);
  }

  @Override
  public void close() {}
}
