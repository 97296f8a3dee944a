package datapipe.iceberg;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/**
 * What the values of a field are: their type, unit and encoding.
 *
 * <p>Values of one kind may share a column of the archive, values of two kinds never: a date and an
 * integer are both numbers there, and text and JSON are both strings. Integers of all sizes are one
 * kind, and so are both floating point types, because Iceberg widens the column.
 */
final class ColumnKind {
  static final String INTEGER = "integer";
  static final String FLOAT = "float";
  private static final String TEXT = "text";

  /** Text that is equal to the one that PostgreSQL writes, so ALTER TYPE text does not change it. */
  private static final Set<String> TEXTS =
      Set.of(
          "io.debezium.data.Enum",
          "io.debezium.data.Ltree",
          "io.debezium.data.Uuid",
          "io.debezium.data.Xml");

  private static final Map<String, String> NAMED =
      Map.of(
          "INT32 io.debezium.time.Date", "date",
          "INT64 io.debezium.time.MicroTime", "time",
          "INT64 io.debezium.time.MicroTimestamp", "timestamp",
          "STRING io.debezium.time.ZonedTimestamp", "timestamptz",
          "STRING io.debezium.data.Json", "json",
          "STRING datapipe.postgres.Money", "money",
          "STRING datapipe.postgres.Geometric", "geometric",
          "STRUCT io.debezium.data.geometry.Point", "point",
          "INT64 org.apache.kafka.connect.data.Timestamp", "instant");

  private static final Map<String, String> UNITS =
      Map.of(
          "date", "days since 1970-01-01",
          "time", "microseconds since midnight",
          "timestamp", "microseconds since 1970-01-01");

  private ColumnKind() {}

  /** The kind of a field's values; an identifier of a-z, 0-9 and _. */
  static String of(Schema schema) {
    String name = schema.name();
    if (name == null) {
      return ofUnnamed(schema);
    }
    String known = NAMED.get(schema.type() + " " + name);
    if (known != null) {
      return known;
    }
    if (schema.type() == Schema.Type.STRING && TEXTS.contains(name)) {
      return TEXT;
    }
    if (Decimal.LOGICAL_NAME.equals(name)) {
      return "decimal_" + schema.parameters().get(Decimal.SCALE_FIELD);
    }
    if ("io.debezium.data.Bits".equals(name)) {
      return "bits_" + schema.parameters().get("length");
    }
    return identifier(exact(schema));
  }

  /** The unit of a kind whose values do not show it, for readers of the table; null: none. */
  static String unit(String kind) {
    return UNITS.get(kind);
  }

  private static String ofUnnamed(Schema schema) {
    switch (schema.type()) {
      case INT8:
      case INT16:
      case INT32:
      case INT64:
        return INTEGER;
      case FLOAT32:
      case FLOAT64:
        return FLOAT;
      case STRING:
        return TEXT;
      case BYTES:
        return "binary";
      case BOOLEAN:
        return "boolean";
      default:
        return identifier(exact(schema));
    }
  }

  /** A nested value's type, in which nothing widens: the sink converts numbers there silently. */
  private static String exact(Schema schema) {
    String name = schema.name() == null ? "" : "_" + schema.name();
    String type = schema.type().getName();
    switch (schema.type()) {
      case ARRAY:
        return type + name + "_of_" + exact(schema.valueSchema());
      case MAP:
        return type + name + "_of_" + exact(schema.keySchema()) + "_" + exact(schema.valueSchema());
      case STRUCT:
        return type + name + "_" + checksum(schema);
      default:
        return type + name;
    }
  }

  private static String checksum(Schema struct) {
    CRC32 checksum = new CRC32();
    for (Field field : struct.fields()) {
      String line = field.name() + " " + exact(field.schema()) + "\n";
      checksum.update(line.getBytes(StandardCharsets.UTF_8));
    }
    return Long.toHexString(checksum.getValue());
  }

  private static String identifier(String text) {
    return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
  }
}
