import datapipe.connect.NullableColumns;
import datapipe.connect.RowOfTruncate;
import io.debezium.transforms.ExtractNewRecordState;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/** Sends a row and a TRUNCATE through the source's chain of transforms and prints what comes out. */
public class TruncatedTable {
  private static final Schema POINT = SchemaBuilder.struct().name("point")
      .field("x", Schema.FLOAT64_SCHEMA).build();
  private static final SchemaBuilder ROW = SchemaBuilder.struct().name("postgres.public.t.Value")
      .field("id", Schema.INT32_SCHEMA)
      .field("price", SchemaBuilder.string().defaultValue("1.5").build())
      .field("stock", SchemaBuilder.int32().optional().defaultValue(7).build())
      .field("at", POINT)
      .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).defaultValue(List.of()).build())
      .field("pairs", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).build());
  private static final Schema SOURCE = SchemaBuilder.struct().name("source")
      .field("lsn", Schema.OPTIONAL_INT64_SCHEMA).field("ts_ms", Schema.INT64_SCHEMA).build();
  private static final Schema ENVELOPE = SchemaBuilder.struct().name("postgres.public.t.Envelope")
      .field("before", ROW.optional().build())
      .field("after", ROW.optional().build())
      .field("source", SOURCE)
      .field("op", Schema.STRING_SCHEMA)
      .field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA)
      .build();

  public static void main(String[] arguments) {
    Struct source = new Struct(SOURCE).put("lsn", 5L).put("ts_ms", 6L);
    Struct row = new Struct(ROW.build()).put("id", 1).put("price", "2").put("stock", null)
        .put("at", new Struct(POINT).put("x", 1.0)).put("tags", List.of("a"))
        .put("pairs", Map.of("k", "v"));
    Struct event = new Struct(ENVELOPE).put("source", source).put("ts_ms", 7L);
    SourceRecord insert = through(new Struct(ENVELOPE).put("source", source).put("ts_ms", 7L)
        .put("op", "c").put("after", row));
    SourceRecord truncate = through(event.put("op", "t"));
    print(insert);
    print(truncate);
    System.out.println("one schema: " + insert.valueSchema().equals(truncate.valueSchema()));
    for (Field field : truncate.valueSchema().fields()) {
      System.out.println(field.name() + " " + field.schema().type()
          + (field.schema().isOptional() ? " nullable" : "")
          + (field.schema().defaultValue() == null ? "" : " default"));
    }
    Struct heartbeat = new Struct(SOURCE).put("ts_ms", 6L);
    System.out.println("heartbeat: " + through(heartbeat).valueSchema().equals(SOURCE));
  }

  private static void print(SourceRecord record) {
    ((Struct) record.value()).validate();
    System.out.println(record.key() + " " + record.value());
  }

  private static SourceRecord through(Struct event) {
    ExtractNewRecordState<SourceRecord> unwrap = new ExtractNewRecordState<>();
    unwrap.configure(Map.of(
        "add.fields", "op,ts_ms,source.ts_ms,source.lsn", "delete.handling.mode", "rewrite"));
    SourceRecord record = new SourceRecord(
        null, null, "postgres.public.t", null, null, null, event.schema(), event);
    List<Transformation<SourceRecord>> chain =
        List.of(new NullableColumns<>(), new RowOfTruncate<>(), unwrap);
    for (Transformation<SourceRecord> transform : chain) {
      record = transform.apply(record);
    }
    return record;
  }
}
