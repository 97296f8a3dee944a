package datapipe.connect;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Counts change events by table and operation, and how many of them are whole; changes nothing.
 *
 * <p>Debezium's own MBeans count all tables together. A record without an operation (heartbeats,
 * transaction metadata) is not a change event and not counted by the source; what a sink reads
 * from a table's topic always is.
 */
public class CountEvents<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String CHECKPOINT = "checkpoint";
  static final String TOPIC_PREFIX = "topic.prefix";

  private final Map<String, TableMetrics> tables = new ConcurrentHashMap<>();
  private String checkpoint;
  private String prefix;

  @Override
  public R apply(R record) {
    if (record.topic().startsWith(prefix) && record.value() instanceof Struct) {
      Struct event = (Struct) record.value();
      Object operation = value(event, "__op");
      if (operation != null) {
        tables.computeIfAbsent(record.topic(), this::metricsOf)
            .record(operation.toString(), isWhole(record.key(), event, operation.toString()));
      }
    }
    return record;
  }

  private TableMetrics metricsOf(String topic) {
    return new TableMetrics(checkpoint, topic.substring(prefix.length()));
  }

  /** Whether an event says which row it is of, what was done, when, and where in the log. */
  private static boolean isWhole(Object key, Struct event, String operation) {
    return key != null
        && "cudr".contains(operation)
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
            "The prefix of the tables' topics, before the table's name, dot included.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    Map<String, Object> parsed = config().parse(settings);
    checkpoint = (String) parsed.get(CHECKPOINT);
    prefix = (String) parsed.get(TOPIC_PREFIX);
  }

  @Override
  public void close() {}
}
