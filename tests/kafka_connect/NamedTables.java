import datapipe.iceberg.NameTable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.transforms.InsertField;

/** Prints what NameTable makes of records, and compares it with InsertField, which it replaces. */
public class NamedTables {
  private static final Schema ROW = SchemaBuilder.struct().name("row").version(3)
      .field("id", Schema.INT32_SCHEMA)
      .field("text", SchemaBuilder.string().optional().defaultValue("a default").build())
      .build();
  private static final Schema OPTIONAL = SchemaBuilder.struct().optional()
      .field("id", Schema.OPTIONAL_INT64_SCHEMA)
      .build();

  public static void main(String[] arguments) {
    Map<String, String> settings = new HashMap<>();
    settings.put("routes", "postgres.public.users:cdc.users,crm.Sales.users:crm_db.sales_users");
    settings.put("topic.field", "__topic");
    settings.put("table.field", "__table");
    NameTable<SinkRecord> ours = new NameTable<>();
    ours.configure(settings);
    InsertField.Value<SinkRecord> kafkas = new InsertField.Value<>();
    kafkas.configure(Map.of("topic.field", "__topic", "replace.null.with.default", "false"));

    Struct nulls = new Struct(ROW).put("id", 1);
    Struct full = new Struct(ROW).put("id", 2).put("text", "text");
    Struct other = new Struct(OPTIONAL).put("id", 3L);
    for (String topic : List.of("postgres.public.users", "crm.Sales.users")) {
      for (Struct row : List.of(nulls, full, other, full, nulls, other)) {
        SinkRecord named = ours.apply(record(topic, row.schema(), row));
        SinkRecord expected = kafkas.apply(record(topic, row.schema(), row));
        boolean kept = named.valueSchema().isOptional() == row.schema().isOptional();
        System.out.println(
            shown((Struct) named.value()) + (kept && same(named, expected) ? " same" : " different"));
      }
    }
    System.out.println(ours.apply(record("postgres.public.users", null, null)).value());
    refuse(ours, record("postgres.public.Users", ROW, full));
    refuse(ours, record("postgres.public.users", null, Map.of("id", 1)));
  }

  private static SinkRecord record(String topic, Schema schema, Object value) {
    return new SinkRecord(
        topic, 4, Schema.STRING_SCHEMA, "key", schema, value, 17, 5L, TimestampType.CREATE_TIME);
  }

  private static String shown(Struct row) {
    StringBuilder text = new StringBuilder();
    for (Field field : row.schema().fields()) {
      text.append(field.name()).append('=').append(row.getWithoutDefault(field.name())).append(' ');
    }
    return text.toString().trim();
  }

  /** Returns whether a record is another one with one more field. */
  private static boolean same(SinkRecord named, SinkRecord other) {
    List<Field> fields = named.valueSchema().fields();
    List<Field> others = other.valueSchema().fields();
    boolean same = fields.size() == others.size() + 1
        && fields.subList(0, others.size()).equals(others)
        && String.valueOf(named.valueSchema().name()).equals(
            String.valueOf(other.valueSchema().name()))
        && named.topic().equals(other.topic())
        && named.originalTopic().equals(other.originalTopic())
        && named.kafkaPartition().equals(other.kafkaPartition())
        && named.kafkaOffset() == other.kafkaOffset()
        && named.key().equals(other.key())
        && named.timestamp().equals(other.timestamp());
    for (Field field : others) {
      Object value = ((Struct) named.value()).getWithoutDefault(field.name());
      Object expected = ((Struct) other.value()).getWithoutDefault(field.name());
      same &= value == null ? expected == null : value.equals(expected);
    }
    return same;
  }

  private static void refuse(NameTable<SinkRecord> transform, SinkRecord record) {
    try {
      System.out.println("passed: " + transform.apply(record));
    } catch (DataException refused) {
      System.out.println("refused: " + refused.getMessage());
    }
  }
}
