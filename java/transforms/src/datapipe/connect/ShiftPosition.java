package datapipe.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Adds a constant to the positions in the WAL.
 *
 * <p>Another server, or a restored backup, begins at a lower position than the one before it. The
 * archive's current state is that of the highest position, so its changes must come after.
 *
 * <p>It changes copies: Kafka Connect transforms a record again if it could not be sent.
 */
public class ShiftPosition<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String BY = "by";

  private static final String SOURCE = "source";
  private static final String LSN = "lsn";

  private long by;

  @Override
  public R apply(R record) {
    if (!Envelopes.isEnvelope(record.valueSchema()) || !(record.value() instanceof Struct)) {
      return record;
    }
    Struct event = copy((Struct) record.value());
    Struct source = copy(event.getStruct(SOURCE));
    Long position = source.getInt64(LSN);
    if (position == null) {
      return record;
    }
    event.put(SOURCE, source.put(LSN, position + by));
    return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
        record.key(), record.valueSchema(), event, record.timestamp());
  }

  private static Struct copy(Struct struct) {
    Schema schema = struct.schema();
    Struct copied = new Struct(schema);
    for (Field field : schema.fields()) {
      copied.put(field, struct.getWithoutDefault(field.name()));
    }
    return copied;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(BY, ConfigDef.Type.LONG, ConfigDef.Importance.HIGH, "What is added to each position.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    by = (Long) config().parse(settings).get(BY);
  }

  @Override
  public void close() {}
}
