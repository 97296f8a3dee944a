import datapipe.connect.ShiftPosition;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/** Sends a change twice, as Connect does after a failure, and a heartbeat through ShiftPosition. */
public class ShiftedPositions {
  private static final Schema SOURCE =
      SchemaBuilder.struct().name("source").field("lsn", Schema.OPTIONAL_INT64_SCHEMA).build();
  private static final Schema ENVELOPE = SchemaBuilder.struct().name("pg.public.a.Envelope")
      .field("source", SOURCE).field("op", Schema.STRING_SCHEMA).build();
  private static final Schema HEARTBEAT =
      SchemaBuilder.struct().name("Heartbeat").field("ts_ms", Schema.INT64_SCHEMA).build();

  public static void main(String[] arguments) {
    ShiftPosition<SourceRecord> transform = new ShiftPosition<>();
    transform.configure(Map.of("by", "4294967296"));
    Struct change = new Struct(ENVELOPE).put("op", "c").put("source", new Struct(SOURCE).put("lsn", 10L));
    SourceRecord record = record(ENVELOPE, change);
    System.out.println(transform.apply(record).value());
    System.out.println(transform.apply(record).value());
    System.out.println(transform.apply(record(HEARTBEAT, new Struct(HEARTBEAT).put("ts_ms", 7L))).value());
    System.out.println(transform.apply(record(null, null)).value());
  }

  private static SourceRecord record(Schema schema, Object value) {
    return new SourceRecord(null, null, "a", null, null, null, schema, value);
  }
}
