package datapipe.connect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;

/**
 * NaN, the infinities and -0 in records that Kafka's JsonConverter has read.
 *
 * <p>Kafka's writes NaN and the infinities as strings and reads each string back as 0.0; it reads
 * -0.0 as 0.0.
 */
final class SpecialNumbers {
  private static final byte[][] MARKS = {
    "\"NaN\"".getBytes(StandardCharsets.US_ASCII),
    "Infinity\"".getBytes(StandardCharsets.US_ASCII),
    "-0.0".getBytes(StandardCharsets.US_ASCII),
  };
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private SpecialNumbers() {}

  /** Returns what was read from a record, with the numbers that its JSON has. */
  static SchemaAndValue restore(SchemaAndValue read, byte[] record) {
    if (read.schema() == null || !mayHoldSpecialNumbers(record)) {
      return read;
    }
    try {
      JsonNode payload = MAPPER.readTree(record).get("payload");
      return new SchemaAndValue(read.schema(), exact(read.schema(), read.value(), payload));
    } catch (IOException error) {
      throw new DataException("the record is not JSON", error);
    }
  }

  /** The value with each floating point number replaced by what its JSON says. */
  private static Object exact(Schema schema, Object value, JsonNode json) {
    if (value == null || json == null) {
      return value;
    }
    switch (schema.type()) {
      case FLOAT32:
        return isSpecial(value, json) ? (Object) (float) number(json) : value;
      case FLOAT64:
        return isSpecial(value, json) ? (Object) number(json) : value;
      case ARRAY:
        return exactItems(schema.valueSchema(), (List<?>) value, json);
      case STRUCT:
        Struct struct = (Struct) value;
        for (Field field : schema.fields()) {
          Object old = struct.getWithoutDefault(field.name());
          struct.put(field, exact(field.schema(), old, json.get(field.name())));
        }
        return struct;
      default:
        return value;
    }
  }

  private static Object exactItems(Schema schema, List<?> items, JsonNode json) {
    List<Object> exact = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      exact.add(exact(schema, items.get(i), json.get(i)));
    }
    return exact;
  }

  private static boolean isSpecial(Object value, JsonNode json) {
    return json.isTextual() || ((Number) value).doubleValue() == 0;
  }

  private static double number(JsonNode json) {
    return json.isTextual() ? Double.parseDouble(json.textValue()) : json.doubleValue();
  }

  private static boolean mayHoldSpecialNumbers(byte[] json) {
    for (int at = 0; at < json.length; at++) {
      for (byte[] mark : MARKS) {
        if (json[at] == mark[0] && matches(json, at, mark)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean matches(byte[] json, int at, byte[] mark) {
    if (at + mark.length > json.length) {
      return false;
    }
    for (int i = 1; i < mark.length; i++) {
      if (json[at + i] != mark[i]) {
        return false;
      }
    }
    return true;
  }
}
