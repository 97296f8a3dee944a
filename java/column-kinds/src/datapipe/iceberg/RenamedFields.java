package datapipe.iceberg;

import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.util.SchemaUtil;

/** A schema with some fields under other names. */
final class RenamedFields {
  /** The schema with the new names. */
  final Schema schema;

  private final List<Field> fields;
  private final boolean isEmpty;

  RenamedFields(Schema original, Map<String, String> names) {
    isEmpty = names.isEmpty();
    if (isEmpty) {
      schema = original;
      fields = original.fields();
      return;
    }
    SchemaBuilder builder = SchemaUtil.copySchemaBasics(original, SchemaBuilder.struct());
    for (Field field : original.fields()) {
      builder.field(names.getOrDefault(field.name(), field.name()), field.schema());
    }
    schema = original.isOptional() ? builder.optional().build() : builder.build();
    fields = schema.fields();
  }

  /** Whether all fields keep their names. */
  boolean isEmpty() {
    return isEmpty;
  }

  Struct copy(Struct from) {
    Struct to = new Struct(schema);
    List<Field> originals = from.schema().fields();
    for (int i = 0; i < fields.size(); i++) {
      to.put(fields.get(i), from.getWithoutDefault(originals.get(i).name()));
    }
    return to;
  }
}
