package datapipe.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Gives the event of a TRUNCATE a row whose columns are all NULL, so that unwrapping keeps it.
 *
 * <p>Debezium's ExtractNewRecordState drops an event that has a row neither before nor after. The
 * columns must be nullable: {@link NullableColumns} comes before.
 */
public class RowOfTruncate<R extends ConnectRecord<R>> implements Transformation<R> {
  @Override
  public R apply(R record) {
    if (!Envelopes.isEnvelope(record.valueSchema()) || !(record.value() instanceof Struct)) {
      return record;
    }
    Struct event = (Struct) record.value();
    if (!Envelopes.TRUNCATE.equals(event.get(Envelopes.OPERATION))) {
      return record;
    }
    return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
        record.key(), record.valueSchema(), withRow(event), record.timestamp());
  }

  private static Struct withRow(Struct event) {
    Struct complete = new Struct(event.schema());
    for (Field field : event.schema().fields()) {
      complete.put(field, field.name().equals(Envelopes.AFTER)
          ? new Struct(field.schema())
          : event.getWithoutDefault(field.name()));
    }
    return complete;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef();
  }

  @Override
  public void configure(Map<String, ?> settings) {}

  @Override
  public void close() {}
}
