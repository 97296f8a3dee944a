package datapipe.connect;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.util.SchemaUtil;

/** The schema of a table's flat changes, and how a change gets it. */
final class FlatSchema {
  private static final String PREFIX = "__";
  private static final String DELETED = "__deleted";

  private final Schema envelope;
  private final Schema flat;
  private final int columns;
  private final List<String[]> added;

  private FlatSchema(Schema envelope, Schema flat, int columns, List<String[]> added) {
    this.envelope = envelope;
    this.flat = flat;
    this.columns = columns;
    this.added = added;
  }

  /** Returns the flat schema of an envelope; empty if Debezium does not make it for a table. */
  static Optional<FlatSchema> of(Schema envelope, List<String> addFields) {
    Schema nullable = NullableColumns.rebuild(envelope);
    Field operation = nullable.field(Envelopes.OPERATION);
    Field before = nullable.field(Envelopes.BEFORE);
    Field after = nullable.field(Envelopes.AFTER);
    if (operation == null || operation.schema().type() != Schema.Type.STRING
        || before == null || after == null || !Envelopes.isRow(after)
        || !before.schema().equals(after.schema())) {
      return Optional.empty();
    }
    Schema row = after.schema();
    SchemaBuilder builder = SchemaUtil.copySchemaBasics(row, SchemaBuilder.struct());
    row.fields().forEach(column -> builder.field(column.name(), column.schema()));
    List<String[]> added = new ArrayList<>();
    for (String name : addFields) {
      String[] path = name.split("\\.");
      Schema schema = at(nullable, path);
      String column = PREFIX + String.join("_", path);
      if (schema == null || row.field(column) != null) {
        return Optional.empty();
      }
      builder.field(column,
          SchemaUtil.copySchemaBasics(schema).optional().build());
      added.add(path);
    }
    if (row.field(DELETED) != null) {
      return Optional.empty();
    }
    builder.field(DELETED, Schema.OPTIONAL_STRING_SCHEMA);
    return Optional.of(new FlatSchema(envelope, builder.build(), row.fields().size(), added));
  }

  private static Schema at(Schema schema, String[] path) {
    Schema found = schema;
    for (String name : path) {
      Field field = found.type() == Schema.Type.STRUCT ? found.field(name) : null;
      if (field == null) {
        return null;
      }
      found = field.schema();
    }
    return found;
  }

  /** Returns the flat row of a change; empty if it has no row, or not all that its schema requires. */
  Optional<Struct> flatten(Struct event) {
    if (event.schema() != envelope || !isComplete(event)) {
      return Optional.empty();
    }
    boolean isTruncate =
        Envelopes.TRUNCATE.equals(event.getWithoutDefault(Envelopes.OPERATION));
    Struct after = (Struct) event.getWithoutDefault(Envelopes.AFTER);
    boolean isDelete = !isTruncate && after == null;
    Struct row = isDelete ? (Struct) event.getWithoutDefault(Envelopes.BEFORE) : after;
    if (row == null && !isTruncate) {
      return Optional.empty();
    }
    Struct change = new Struct(flat);
    List<Field> fields = flat.fields();
    for (int i = 0; i < columns && !isTruncate; i++) {
      Field column = fields.get(i);
      Object value = row.getWithoutDefault(column.name());
      change.put(column, value instanceof Struct
          ? NullableColumns.copy((Struct) value, column.schema())
          : value);
    }
    for (int i = 0; i < added.size(); i++) {
      change.put(fields.get(columns + i), value(event, added.get(i)));
    }
    change.put(fields.get(fields.size() - 1), String.valueOf(isDelete));
    return Optional.of(change);
  }

  /** Returns whether a change has all that its schema requires, as Connect checks it in a copy. */
  private boolean isComplete(Struct event) {
    for (Field field : envelope.fields()) {
      if (!field.schema().isOptional() && event.getWithoutDefault(field.name()) == null) {
        return false;
      }
    }
    return true;
  }

  private static Object value(Struct event, String[] path) {
    Object found = event;
    for (String name : path) {
      found = found == null ? null : ((Struct) found).getWithoutDefault(name);
    }
    return found;
  }
}
