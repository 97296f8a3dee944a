import datapipe.connect.TruncateFirst;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/** Sends the rows of two tables, the second empty, through TruncateFirst and prints what comes out. */
public class TruncatedFirst {
  private static final Schema ROW =
      SchemaBuilder.struct().name("Value").field("id", Schema.INT32_SCHEMA).optional().build();
  private static final Schema SOURCE = SchemaBuilder.struct().name("source")
      .field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
      .field("snapshot", SchemaBuilder.string().optional().defaultValue("false").build()).build();
  private static final Schema ENVELOPE = SchemaBuilder.struct().name("Envelope")
      .field("before", ROW).field("after", ROW).field("source", SOURCE)
      .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();

  public static void main(String[] arguments) {
    TruncateFirst<SourceRecord> transform = new TruncateFirst<>();
    transform.configure(Map.of("position", "8"));
    List<SourceRecord> records = List.of(
        record("a", 0, "first", "r"), record("a", 0, "true", "r"),
        record("a", 1, "true", "r"), heartbeat(), record("a", 2, "last_in_data_collection", "r"),
        record("b", 0, "first_in_data_collection", "r"), record("b", 0, "last", "r"),
        record("a", 3, "false", "c"),
        keyless(0, "first_in_data_collection"), keyless(0, "true"), keyless(1, "last"));
    for (SourceRecord record : records) {
      SourceRecord passed = transform.apply(record);
      System.out.println(passed == null ? "dropped"
          : passed.topic() + " " + passed.key() + " " + passed.value());
    }
  }

  private static SourceRecord record(String table, int id, String snapshot, String operation) {
    Struct source = new Struct(SOURCE).put("lsn", 10L).put("snapshot", snapshot);
    Struct event = new Struct(ENVELOPE).put("source", source).put("op", operation)
        .put("after", new Struct(ROW).put("id", id)).put("ts_ms", 7L);
    Schema schema = SchemaBuilder.struct().name("pg.public." + table + ".Envelope").build();
    return new SourceRecord(null, null, table, null, Schema.INT32_SCHEMA, id, named(schema.name()),
        of(schema.name(), event));
  }

  private static SourceRecord keyless(int id, String snapshot) {
    SourceRecord keyed = record("n", id, snapshot, "r");
    return keyed.newRecord(keyed.topic(), null, null, null, keyed.valueSchema(), keyed.value(), null);
  }

  private static SourceRecord heartbeat() {
    Schema schema = SchemaBuilder.struct().name("Heartbeat").field("op", Schema.STRING_SCHEMA).build();
    return new SourceRecord(null, null, "h", null, schema, new Struct(schema).put("op", "r"));
  }

  private static Schema named(String name) {
    SchemaBuilder builder = SchemaBuilder.struct().name(name);
    ENVELOPE.fields().forEach(field -> builder.field(field.name(), field.schema()));
    return builder.build();
  }

  private static Struct of(String name, Struct event) {
    Struct named = new Struct(named(name));
    ENVELOPE.fields().forEach(field -> named.put(field.name(), event.get(field)));
    return named;
  }
}
