package datapipe.connect;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Fails for the records at given positions of topics, so that Connect puts them into a sink's dead
 * letter queue.
 *
 * <p>Connect does so if a converter or a transform fails, but not if the sink does: a record that is
 * readable and does not fit its table stops the task until the record is skipped.
 */
public class RefuseRecords<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String PLACES = "places";

  private Set<String> places;

  @Override
  public R apply(R record) {
    if (record instanceof SinkRecord && places.contains(place((SinkRecord) record))) {
      throw new DataException("The sink could not write this record and was configured to skip it.");
    }
    return record;
  }

  private static String place(SinkRecord record) {
    return record.topic() + "/" + record.kafkaPartition() + "/" + record.kafkaOffset();
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(PLACES, ConfigDef.Type.LIST, ConfigDef.Importance.HIGH,
            "The records to refuse, each as topic/partition/offset.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    Map<String, Object> parsed = config().parse(settings);
    places = new HashSet<>();
    for (Object place : (Iterable<?>) parsed.get(PLACES)) {
      places.add(place.toString());
    }
  }

  @Override
  public void close() {}
}
