import datapipe.connect.NullableColumns;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.SchemaCompatibility;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Prints what Avro's rules, which Schema Registry asks too, say of a table's schema before and after a
 * change, both as NullableColumns leaves them: a line for each change.
 */
public class EvolvedSchemas {
  private static final Schema MOMENT =
      SchemaBuilder.int64().name("io.debezium.time.MicroTimestamp").build();
  private static final Schema MOOD =
      SchemaBuilder.string().name("io.debezium.data.Enum").parameter("allowed", "a").build();
  private static final Schema MORE_MOODS =
      SchemaBuilder.string().name("io.debezium.data.Enum").parameter("allowed", "a,b").build();

  public static void main(String[] arguments) throws Exception {
    Schema required = SchemaBuilder.int32().defaultValue(7).build();
    Schema nullable = SchemaBuilder.int32().optional().defaultValue(7).build();
    Schema list = SchemaBuilder.array(Schema.INT32_SCHEMA).optional().defaultValue(List.of()).build();
    judge("nullable column added", null, Schema.OPTIONAL_INT32_SCHEMA);
    judge("nullable column with a default added", null, nullable);
    judge("nullable array with a default added", null, list);
    judge("NOT NULL DEFAULT column added", null, required);
    judge("NOT NULL column added to an empty table", null, Schema.INT32_SCHEMA);
    judge("nullable column dropped", Schema.OPTIONAL_INT32_SCHEMA, null);
    judge("NOT NULL column dropped", Schema.INT32_SCHEMA, null);
    judge("default set", Schema.INT32_SCHEMA, required);
    judge("integer to bigint", Schema.INT32_SCHEMA, Schema.INT64_SCHEMA);
    judge("nullable integer to bigint", Schema.OPTIONAL_INT32_SCHEMA, Schema.OPTIONAL_INT64_SCHEMA);
    judge("real to double", Schema.FLOAT32_SCHEMA, Schema.FLOAT64_SCHEMA);
    judge("bigint to integer", Schema.INT64_SCHEMA, Schema.INT32_SCHEMA);
    judge("timestamp to text", MOMENT, Schema.STRING_SCHEMA);
    judge("value added to an enum", MOOD, MORE_MOODS);
    judge("NOT NULL dropped", Schema.INT32_SCHEMA, Schema.OPTIONAL_INT32_SCHEMA);
    judge("NOT NULL set", Schema.OPTIONAL_INT32_SCHEMA, Schema.INT32_SCHEMA);
  }

  private static void judge(String change, Schema before, Schema after) {
    org.apache.avro.Schema written = avro(left(before == null ? table() : table(before)));
    org.apache.avro.Schema read = avro(left(after == null ? table() : table(after)));
    SchemaCompatibility.SchemaCompatibilityResult result =
        SchemaCompatibility.checkReaderWriterCompatibility(read, written).getResult();
    List<String> reasons = new ArrayList<>();
    result.getIncompatibilities().forEach(found -> reasons.add(found.getType().name()));
    System.out.println(change + ": " + (reasons.isEmpty() ? "accepted" : String.join(",", reasons)));
  }

  private static Schema table(Schema... columns) {
    SchemaBuilder builder = SchemaBuilder.struct().name("postgres.public.t.Value");
    builder.field("id", Schema.INT32_SCHEMA);
    for (int i = 0; i < columns.length; i++) {
      builder.field("c" + i, columns[i]);
    }
    return builder.build();
  }

  /** Returns the schema of a row as it is after NullableColumns and unwrapping. */
  private static Schema left(Schema row) {
    Schema envelope = SchemaBuilder.struct().name("postgres.public.t.Envelope")
        .field("after", row).field("op", Schema.STRING_SCHEMA).build();
    Struct after = new Struct(row);
    for (Field field : row.fields()) {
      if (!field.schema().isOptional()) {
        after.put(field, sample(field.schema().type()));
      }
    }
    Struct event = new Struct(envelope).put("after", after).put("op", "c");
    return new NullableColumns<SourceRecord>()
        .apply(new SourceRecord(null, null, "postgres.public.t", envelope, event))
        .valueSchema().field("after").schema();
  }

  private static Object sample(Schema.Type type) {
    switch (type) {
      case INT32:
        return 1;
      case INT64:
        return 1L;
      case FLOAT32:
        return 1f;
      case FLOAT64:
        return 1d;
      default:
        return "a";
    }
  }

  /** Returns the schema as Confluent's AvroData writes it: the default's branch of a union first. */
  private static org.apache.avro.Schema avro(Schema schema) {
    List<org.apache.avro.Schema.Field> fields = new ArrayList<>();
    for (Field field : schema.fields()) {
      org.apache.avro.Schema type = type(field.schema());
      Object given = field.schema().defaultValue();
      if (field.schema().isOptional()) {
        org.apache.avro.Schema none = org.apache.avro.Schema.create(org.apache.avro.Schema.Type.NULL);
        type = given == null
            ? org.apache.avro.Schema.createUnion(none, type)
            : org.apache.avro.Schema.createUnion(type, none);
        given = given == null ? org.apache.avro.Schema.Field.NULL_DEFAULT_VALUE : given;
      }
      fields.add(new org.apache.avro.Schema.Field(field.name(), type, null, given));
    }
    return org.apache.avro.Schema.createRecord("Value", null, "postgres.public.t", false, fields);
  }

  private static org.apache.avro.Schema type(Schema schema) {
    switch (schema.type()) {
      case INT32:
        return org.apache.avro.Schema.create(org.apache.avro.Schema.Type.INT);
      case INT64:
        return org.apache.avro.Schema.create(org.apache.avro.Schema.Type.LONG);
      case FLOAT32:
        return org.apache.avro.Schema.create(org.apache.avro.Schema.Type.FLOAT);
      case FLOAT64:
        return org.apache.avro.Schema.create(org.apache.avro.Schema.Type.DOUBLE);
      case ARRAY:
        return org.apache.avro.Schema.createArray(type(schema.valueSchema()));
      default:
        return org.apache.avro.Schema.create(org.apache.avro.Schema.Type.STRING);
    }
  }
}
