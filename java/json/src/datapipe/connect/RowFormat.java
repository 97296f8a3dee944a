package datapipe.connect;

import com.fasterxml.jackson.core.Base64Variants;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.SerializedString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * The JSON of the rows of one schema, whose columns are numbers, texts, bytes and booleans.
 *
 * <p>A record is {@code {"schema":…,"payload":{…}}}. All up to the payload is the same in each record
 * of a schema: the head.
 */
final class RowFormat {
  private static final byte[] BEGIN = "{\"schema\":".getBytes(StandardCharsets.US_ASCII);
  private static final Set<String> NOT_IN_JSON = Set.of("NaN", "Infinity", "-Infinity");
  private static final String LOGICAL_TYPES = "org.apache.kafka.connect.data.";
  // Jackson takes its limits when a factory is made, so ExactJsonConverter must have set them.
  private static final JsonFactory JSON = new JsonFactory();

  private final Schema schema;
  private final byte[] head;
  private final Field[] columns;
  private final SerializedString[] names;

  private RowFormat(Schema schema, byte[] head) {
    this.schema = schema;
    this.head = head;
    columns = schema.fields().toArray(new Field[0]);
    names = schema.fields().stream()
        .map(field -> new SerializedString(field.name())).toArray(SerializedString[]::new);
  }

  /**
   * Returns the format of a schema, learned from a record with it; empty if the schema has other
   * columns or the record is not as Kafka writes it.
   */
  static Optional<RowFormat> of(Schema schema, byte[] record) {
    if (schema == null || schema.type() != Schema.Type.STRUCT
        || !schema.fields().stream().allMatch(RowFormat::isPlain)) {
      return Optional.empty();
    }
    int length = headLength(record);
    return length < 0
        ? Optional.empty()
        : Optional.of(new RowFormat(schema, Arrays.copyOf(record, length)));
  }

  private static boolean isPlain(Field column) {
    Schema schema = column.schema();
    boolean isLogical = schema.name() != null && schema.name().startsWith(LOGICAL_TYPES);
    // Jackson writes some other characters of a name in two ways.
    return schema.type().isPrimitive() && !isLogical
        && column.name().chars().allMatch(character -> character < 128);
  }

  /** Returns where the payload begins; -1 unless the record has a schema and an object after it. */
  private static int headLength(byte[] record) {
    if (!startsWith(record, BEGIN)) {
      return -1;
    }
    try (JsonParser parser = JSON.createParser(record)) {
      parser.nextToken();
      parser.nextToken();
      parser.nextToken();
      parser.skipChildren();
      if (!"payload".equals(parser.nextFieldName())
          || parser.nextToken() != JsonToken.START_OBJECT) {
        return -1;
      }
      return (int) parser.currentTokenLocation().getByteOffset();
    } catch (IOException error) {
      return -1;
    }
  }

  /** Returns whether a record has this schema, and nothing between it and the payload. */
  boolean matches(byte[] record) {
    // Two bytes from which no parser can conclude that the payload is not UTF-8.
    return record.length > head.length + 2 && startsWith(record, head)
        && record[head.length] == '{' && record[head.length + 1] == '"';
  }

  private static boolean startsWith(byte[] record, byte[] start) {
    return record.length >= start.length
        && Arrays.equals(record, 0, start.length, start, 0, start.length);
  }

  /** Writes a record. Returns false if Kafka's converter must do it, or fail. */
  boolean write(Struct row, ByteArrayOutputStream record) {
    record.write(head, 0, head.length);
    try (JsonGenerator generator = JSON.createGenerator(record)) {
      generator.writeStartObject();
      for (int i = 0; i < columns.length; i++) {
        Object value = row.getWithoutDefault(columns[i].name());
        if (value == null && !isNullable(columns[i].schema())) {
          return false;
        }
        generator.writeFieldName(names[i]);
        write(columns[i].schema().type(), value, generator);
      }
      generator.writeEndObject();
    } catch (IOException error) {
      return false;
    }
    record.write('}');
    return true;
  }

  /** Returns whether NULL is written and read as it is: no default can take its place. */
  private static boolean isNullable(Schema schema) {
    return schema.isOptional() && schema.defaultValue() == null;
  }

  private static void write(Schema.Type type, Object value, JsonGenerator generator)
      throws IOException {
    if (value == null) {
      generator.writeNull();
      return;
    }
    switch (type) {
      case INT8:
      case INT16:
      case INT32:
        generator.writeNumber(((Number) value).intValue());
        break;
      case INT64:
        generator.writeNumber((Long) value);
        break;
      case FLOAT32:
        generator.writeNumber((Float) value);
        break;
      case FLOAT64:
        generator.writeNumber((Double) value);
        break;
      case BOOLEAN:
        generator.writeBoolean((Boolean) value);
        break;
      case STRING:
        generator.writeString((String) value);
        break;
      default:
        generator.writeBinary(
            value instanceof ByteBuffer ? ((ByteBuffer) value).array() : (byte[]) value);
    }
  }

  /** Returns the row of a record that {@link #matches}; null if Kafka's must read it, or fail. */
  Struct read(byte[] record) {
    int end = record.length - 1;
    if (record[end] != '}') {
      return null;
    }
    try (JsonParser parser = JSON.createParser(record, head.length, end - head.length)) {
      Struct row = new Struct(schema);
      parser.nextToken();
      for (int i = 0; i < columns.length; i++) {
        if (!parser.nextFieldName(names[i])) {
          return null;
        }
        Object value = read(columns[i].schema().type(), parser.nextToken(), parser);
        if (value == null && !isNullable(columns[i].schema())) {
          return null;
        }
        row.put(columns[i], value);
      }
      boolean isWhole = parser.nextToken() == JsonToken.END_OBJECT && parser.nextToken() == null;
      return isWhole ? row : null;
    } catch (IOException | IllegalArgumentException error) {
      return null;
    }
  }

  /**
   * Returns the value of a column.
   *
   * @throws IOException for a token that Kafka's does not write for the type
   */
  private static Object read(Schema.Type type, JsonToken token, JsonParser parser)
      throws IOException {
    if (token == JsonToken.VALUE_NULL) {
      return null;
    }
    switch (type) {
      case INT8:
        return (byte) integer(token, parser).getIntValue();
      case INT16:
        return (short) integer(token, parser).getIntValue();
      case INT32:
        return integer(token, parser).getIntValue();
      case INT64:
        return integer(token, parser).getLongValue();
      case FLOAT32:
        return Float.parseFloat(decimal(token, parser));
      case FLOAT64:
        return Double.parseDouble(decimal(token, parser));
      case BOOLEAN:
        return token == JsonToken.VALUE_TRUE;
      case STRING:
        require(token == JsonToken.VALUE_STRING);
        return parser.getText();
      default:
        require(token == JsonToken.VALUE_STRING);
        return Base64Variants.getDefaultVariant().decode(parser.getText());
    }
  }

  private static JsonParser integer(JsonToken token, JsonParser parser) throws IOException {
    require(token == JsonToken.VALUE_NUMBER_INT);
    return parser;
  }

  private static String decimal(JsonToken token, JsonParser parser) throws IOException {
    String text = parser.getText();
    require(token == JsonToken.VALUE_NUMBER_FLOAT
        || token == JsonToken.VALUE_STRING && NOT_IN_JSON.contains(text));
    return text;
  }

  private static void require(boolean isExpected) throws IOException {
    if (!isExpected) {
      throw new IOException("not a token that Kafka's converter writes for the type");
    }
  }
}
