package datapipe.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Writes a TRUNCATE to the topic of each table before the rows that a snapshot reads.
 *
 * <p>What the archive has of the table from before is then not current any more: a row that was deleted
 * while nothing captured the table is not among those that are read. The TRUNCATE's position in the
 * WAL is the one just before that of the rows.
 *
 * <p>datapipe.postgres.MarkedSnapshotter reads two rows before those of each table. The first becomes
 * the TRUNCATE, the second is dropped.
 */
public class TruncateFirst<R extends ConnectRecord<R>> implements Transformation<R> {
  private static final String SOURCE = "source";
  private static final String SNAPSHOT = "snapshot";
  private static final String POSITION = "lsn";
  private static final String FIRST = "first";
  private static final String READ = "r";
  private static final String TIME = "ts_ms";

  private boolean dropsNext;

  @Override
  public R apply(R record) {
    if (!isRead(record)) {
      return record;
    }
    if (dropsNext) {
      dropsNext = false;
      return null;
    }
    Struct event = (Struct) record.value();
    if (!String.valueOf(event.getStruct(SOURCE).get(SNAPSHOT)).startsWith(FIRST)) {
      return record;
    }
    dropsNext = true;
    return record.newRecord(record.topic(), null, null, null, record.valueSchema(),
        truncate(event), record.timestamp());
  }

  private boolean isRead(R record) {
    return record.value() instanceof Struct && Envelopes.isEnvelope(record.valueSchema())
        && READ.equals(((Struct) record.value()).get(Envelopes.OPERATION));
  }

  private static Struct truncate(Struct event) {
    Struct truncate = new Struct(event.schema())
        .put(Envelopes.OPERATION, Envelopes.TRUNCATE)
        .put(TIME, event.get(TIME));
    Struct source = new Struct(event.getStruct(SOURCE).schema());
    for (Field field : source.schema().fields()) {
      Object value = event.getStruct(SOURCE).getWithoutDefault(field.name());
      source.put(field, field.name().equals(POSITION) ? (Long) value - 1 : value);
    }
    return truncate.put(SOURCE, source);
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
