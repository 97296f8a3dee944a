package datapipe.connect;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Writes a TRUNCATE to the topic of each table before the rows that a snapshot reads.
 *
 * <p>What the archive has of the table from before is then not current any more: a row that was deleted
 * while nothing captured the table is not among those that are read.
 *
 * <p>The rows get a position in the WAL from before the snapshot. A transaction that was not committed
 * when the rows were read has changed them at positions below the snapshot's own, and its changes must
 * come after what was read. Changes that the rows hold already come after them, too, which does no
 * harm. The TRUNCATE has the position just before. Without a key such a change would count as one more
 * row, so rows of a table without one keep the snapshot's position.
 *
 * <p>datapipe.postgres.MarkedSnapshotter reads two rows before those of each table. The first becomes
 * the TRUNCATE, the second is dropped.
 */
public class TruncateFirst<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String POSITION = "position";

  private static final String SOURCE = "source";
  private static final String SNAPSHOT = "snapshot";
  private static final String LSN = "lsn";
  private static final String FIRST = "first";
  private static final String READ = "r";
  private static final String TIME = "ts_ms";

  private long position;
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
    Struct source = event.getStruct(SOURCE);
    long first = record.key() == null ? source.getInt64(LSN) : position;
    if (!String.valueOf(source.get(SNAPSHOT)).startsWith(FIRST)) {
      source.put(LSN, first);
      return record;
    }
    dropsNext = true;
    source.put(LSN, first - 1);
    Struct truncate = new Struct(event.schema())
        .put(Envelopes.OPERATION, Envelopes.TRUNCATE)
        .put(TIME, event.get(TIME))
        .put(SOURCE, source);
    return record.newRecord(record.topic(), null, null, null, record.valueSchema(), truncate,
        record.timestamp());
  }

  private boolean isRead(R record) {
    return record.value() instanceof Struct && Envelopes.isEnvelope(record.valueSchema())
        && READ.equals(((Struct) record.value()).get(Envelopes.OPERATION));
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(POSITION, ConfigDef.Type.LONG, ConfigDef.Importance.HIGH,
            "A position in the WAL from before the snapshot, at which no change is.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    position = (Long) config().parse(settings).get(POSITION);
  }

  @Override
  public void close() {}
}
