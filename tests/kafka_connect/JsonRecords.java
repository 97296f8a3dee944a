import datapipe.connect.ExactJsonConverter;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Compares our JSON converter with Kafka's, for records of all types in any order: the bytes that it
 * writes, the values that it reads, whole and malformed, and the failures.
 *
 * <p>What it reads is compared with what it reads as the first record of a topic, which is Kafka's
 * reading with NaN, the infinities and -0 put right. Prints one line, with the seed if two differ.
 */
public class JsonRecords {
  private static final String[] TOKENS = {
    "null", "true", "\"x\"", "\"\"", "1.5", "-0.0", "\"NaN\"", "7", "007", "1e2", "[1]", "{}",
    "99999999999", "99999999999999999999", " 1 ", "\"AQI=\"", "\" AQI= \"", "\"A\"", "NaN", "",
    // As a double, one is another integer and the other half-way between two floats.
    "\"1.5\"", "9007199254740993.5", "1.00000017881393432617187499",
  };

  private final RandomData data;
  private final JsonConverter kafka = new JsonConverter();
  private final ExactJsonConverter ours = new ExactJsonConverter();
  private final ExactJsonConverter first = new ExactJsonConverter();
  private int topics;

  private JsonRecords(long seed) {
    data = new RandomData(seed);
    Map<String, String> settings = Map.of(
        "schemas.enable", String.valueOf(data.chance(0.8)),
        "decimal.format", data.chance(0.5) ? "BASE64" : "NUMERIC",
        "replace.null.with.default", String.valueOf(data.chance(0.5)));
    boolean isKey = data.chance(0.5);
    List.of(kafka, ours, first).forEach(each -> each.configure(settings, isKey));
  }

  public static void main(String[] arguments) {
    long seed = System.nanoTime();
    int compared = 0;
    for (int round = 0; round < 150; round++) {
      try {
        compared += new JsonRecords(seed + round).compare();
      } catch (IllegalStateException difference) {
        System.out.println("seed " + (seed + round) + ": " + difference.getMessage());
        return;
      }
    }
    System.out.println(compared > 30_000 ? "equal" : "too few: " + compared);
    System.out.println("a schema is asked for its columns once: " + (looks(0) == 0));
    System.out.println("forgotten after 256 others: " + (looks(256) > 0));
    System.out.println("a schema that Kafka's converter has forgotten is found: " + isFound(1, 1));
    System.out.println("forgotten after 4 others of its topic: " + !isFound(1, 4));
    System.out.println("forgotten after 1000 other topics: " + !isFound(1000, 1));
  }

  /** Compares records of a few schemas in any order, and returns how many. */
  private int compare() {
    List<Schema> schemas = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      schemas.add(i < 5 ? data.row(data.chance(0.7)) : data.column(false, 2));
    }
    int compared = 0;
    for (int i = 0; i < 60; i++) {
      String topic = "t" + data.random.nextInt(2);
      Schema schema = schemas.get(data.random.nextInt(schemas.size()));
      Object value = data.chance(0.03) ? null
          : schema.type() == Schema.Type.STRUCT ? data.struct(schema, 0.02) : data.value(schema);
      // What no schema describes, and what another does.
      Schema with = data.chance(0.03) ? null : data.chance(0.03) ? data.row(true) : schema;
      byte[] record = compareWritten(topic, with, value);
      compareRead(topic, record);
      compared += 2;
      for (int change = 0; record != null && change < 5; change++) {
        compareRead(topic, changed(record));
        compared++;
      }
    }
    return compared;
  }

  private byte[] compareWritten(String topic, Schema schema, Object value) {
    byte[][] written = new byte[2][];
    String expected = described(() -> written[0] = kafka.fromConnectData(topic, schema, value));
    String found = described(() -> written[1] = ours.fromConnectData(topic, schema, value));
    require(expected, found, "written as");
    return written[0];
  }

  private void compareRead(String topic, byte[] record) {
    String other = "other" + topics++;
    require(described(() -> first.toConnectData(other, record)),
        described(() -> ours.toConnectData(topic, record)),
        (record == null ? "null" : new String(record, StandardCharsets.UTF_8)) + " read as");
  }

  private static void require(String expected, String found, String what) {
    if (!expected.equals(found)) {
      throw new IllegalStateException(what + " " + found + " instead of " + expected);
    }
  }

  private static String described(Supplier<Object> made) {
    try {
      Object result = made.get();
      if (!(result instanceof SchemaAndValue)) {
        return result == null
            ? "null" : new String((byte[]) result, StandardCharsets.ISO_8859_1);
      }
      SchemaAndValue read = (SchemaAndValue) result;
      return RandomData.describe(read.schema()) + " " + RandomData.describe(read.value());
    } catch (RuntimeException error) {
      return RandomData.describe(error);
    }
  }

  /** Returns a record as another program may write it, or a broken one. */
  private byte[] changed(byte[] record) {
    String text = new String(record, StandardCharsets.ISO_8859_1);
    int payload = Math.max(0, text.indexOf("\"payload\""));
    int at = data.chance(0.8)
        ? payload + data.random.nextInt(text.length() - payload)
        : data.random.nextInt(text.length());
    switch (data.random.nextInt(8)) {
      case 0:
        text = text.substring(0, at);
        break;
      case 1:
        text = text.substring(0, at) + (char) data.random.nextInt(256) + text.substring(at);
        break;
      case 2:
        text = text.substring(0, at) + (char) data.random.nextInt(256)
            + text.substring(Math.min(text.length(), at + 1));
        break;
      case 3:
        text = text + data.any(new String[] {"}", " ", "x", "\n{}", ",\"more\":1}"});
        break;
      case 4:
        text = text.replaceFirst("\"payload\":\\{", data.any(new String[] {
            "\"payload\": {", "\"payload\":{\"c0\":1,", "\"payload\":{\"other\":1,", "\"payload\":null,{",
            "\"other\":{", "\"payload\":{\"c1\":2,"}));
        break;
      case 5:
        text = inTwoEncodings(text);
        break;
      default:
        String head = text.substring(0, payload);
        String rest = text.substring(payload);
        String[] values = rest.split("(?<=[:,])", -1);
        int chosen = data.random.nextInt(values.length);
        values[chosen] = values[chosen].replaceFirst(
            "^[^:,}]*", java.util.regex.Matcher.quoteReplacement(data.any(TOKENS)));
        text = head + String.join("", values);
    }
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Returns a record whose payload is UTF-16 between parts that are not. */
  private static String inTwoEncodings(String record) {
    int begin = record.indexOf(":{", record.indexOf("\"payload\"")) + 1;
    byte[] payload = record.substring(begin, record.length() - 1)
        .getBytes(StandardCharsets.UTF_16LE);
    return record.substring(0, begin) + new String(payload, StandardCharsets.ISO_8859_1) + "}";
  }

  /** Returns how often a row's schema is asked for its columns after rows of other schemas. */
  private static int looks(int others) {
    ExactJsonConverter converter = configured();
    int[] looks = {0};
    Schema row = columns(3);
    Schema watched = (Schema) Proxy.newProxyInstance(
        Schema.class.getClassLoader(), new Class<?>[] {Schema.class}, (proxy, method, given) -> {
          looks[0] += method.getName().equals("fields") ? 1 : 0;
          return method.getName().equals("equals")
              ? proxy == given[0] : method.invoke(row, given);
        });
    Struct struct = new RandomData(2).struct(watched, 0);
    converter.fromConnectData("t", watched, struct);
    for (int i = 0; i < others; i++) {
      Schema other = columns(2);
      converter.fromConnectData("t", other, new RandomData(3).struct(other, 0));
    }
    int before = looks[0];
    converter.fromConnectData("t", watched, struct);
    return looks[0] - before;
  }

  /** Returns whether a record gets the same schema again after records of others. */
  private static boolean isFound(int topics, int schemas) {
    ExactJsonConverter converter = configured();
    byte[] record = record(1);
    Schema before = converter.toConnectData("t", record).schema();
    for (int topic = 0; topic < topics; topic++) {
      for (int schema = 0; schema < schemas; schema++) {
        converter.toConnectData(topics == 1 ? "t" : "other" + topic, record(2 + schema));
      }
    }
    return before == converter.toConnectData("t", record).schema();
  }

  private static byte[] record(int columns) {
    Schema schema = columns(columns);
    return configured().fromConnectData("t", schema, new RandomData(1).struct(schema, 0));
  }

  private static Schema columns(int count) {
    SchemaBuilder row = SchemaBuilder.struct();
    for (int i = 0; i < count; i++) {
      row.field("c" + i, Schema.INT32_SCHEMA);
    }
    return row.build();
  }

  /** Returns a converter with the smallest cache of Kafka's, so that it knows the last schema only. */
  private static ExactJsonConverter configured() {
    ExactJsonConverter converter = new ExactJsonConverter();
    converter.configure(Map.of("schemas.enable", "true", "schemas.cache.size", "1"), false);
    return converter;
  }
}
