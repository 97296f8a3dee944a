import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** Schemas and values of all of Connect's types, and the text by which two values are compared. */
class RandomData {
  private static final Schema.Type[] PLAIN = {
    Schema.Type.INT8, Schema.Type.INT16, Schema.Type.INT32, Schema.Type.INT64,
    Schema.Type.FLOAT32, Schema.Type.FLOAT64, Schema.Type.BOOLEAN, Schema.Type.STRING,
    Schema.Type.BYTES,
  };
  private static final double[] NUMBERS = {
    Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0, -0.0, 1.0, 0.1, -1e-5,
    Double.MIN_VALUE, Double.MAX_VALUE, Float.MAX_VALUE, 1e22, 123456789012345680.0,
  };
  private static final String[] TEXTS = {
    "", "x", "\"", "\\", "/", "\n\r\t\b\f", "\u0000\u001f\u007f", "é", "€", "\ud83d\ude00",
    "\ud83d", "\ude00x", "\u2028", "NaN", "-0.0", "Infinity", "{\"schema\":null,\"payload\":1}",
  };
  private static final String[] NAMES = {
    "id", "a b", "quote\"", "back\\slash", "tab\t", "é", "\ud83d\ude00", "payload", "schema", "",
  };

  final Random random;

  RandomData(long seed) {
    random = new Random(seed);
  }

  boolean chance(double share) {
    return random.nextDouble() < share;
  }

  <T> T any(T[] of) {
    return of[random.nextInt(of.length)];
  }

  /** Returns a struct's schema; with plain columns only, it is one that our converter knows. */
  Schema row(boolean isPlain) {
    return row(isPlain, 2, false);
  }

  private Schema row(boolean isPlain, int depth, boolean isOptional) {
    SchemaBuilder builder = SchemaBuilder.struct().name(chance(0.8) ? "t.Value" : null);
    decorate(builder);
    int columns = random.nextInt(8);
    for (int i = 0; i < columns; i++) {
      String name = chance(isPlain ? 0.9 : 0.7) ? "c" + i : any(NAMES) + i;
      builder.field(name, column(isPlain, depth));
    }
    return isOptional ? builder.optional().build() : builder.build();
  }

  Schema column(boolean isPlain, int depth) {
    int kind = isPlain ? 0 : random.nextInt(9);
    boolean isOptional = chance(0.5);
    switch (kind) {
      case 5:
        return logical(isOptional);
      case 6:
        SchemaBuilder array = SchemaBuilder.array(depth == 0 ? plain() : column(false, depth - 1));
        return (isOptional ? array.optional() : array).build();
      case 7:
        Schema keys = chance(0.5) ? Schema.STRING_SCHEMA : Schema.INT32_SCHEMA;
        return SchemaBuilder.map(keys, depth == 0 ? plain() : column(false, depth - 1)).build();
      case 8:
        return depth == 0 ? plain() : row(false, depth - 1, isOptional);
      default:
        return plain();
    }
  }

  private Schema plain() {
    Schema.Type type = any(PLAIN);
    SchemaBuilder builder = SchemaBuilder.type(type);
    if (chance(0.3)) {
      builder.name("io.debezium.time.Kind" + random.nextInt(3)).version(1);
    }
    decorate(builder);
    if (chance(0.2) && type != Schema.Type.BYTES) {
      Object given = value(builder.build());
      // Kafka's converter reads other defaults as 0.
      if (!(given instanceof Number) || Double.isFinite(((Number) given).doubleValue())) {
        builder.defaultValue(given);
      }
    }
    return chance(0.6) ? builder.optional().build() : builder.build();
  }

  private void decorate(SchemaBuilder builder) {
    if (chance(0.1)) {
      builder.doc(any(TEXTS)).parameter("allowed", any(TEXTS));
    }
  }

  private Schema logical(boolean isOptional) {
    SchemaBuilder builder;
    switch (random.nextInt(4)) {
      case 0:
        builder = Decimal.builder(random.nextInt(5));
        break;
      case 1:
        builder = org.apache.kafka.connect.data.Date.builder();
        break;
      case 2:
        builder = Time.builder();
        break;
      default:
        builder = Timestamp.builder();
    }
    return (isOptional ? builder.optional() : builder).build();
  }

  /** Returns a struct; a required field may be missing, which no converter lets pass. */
  Struct struct(Schema schema, double missing) {
    Struct struct = new Struct(schema);
    for (Field field : schema.fields()) {
      boolean isNull = field.schema().isOptional() ? chance(0.3) : chance(missing);
      if (!isNull) {
        struct.put(field, value(field.schema()));
      }
    }
    return struct;
  }

  Object value(Schema schema) {
    if (schema.name() != null && schema.name().startsWith("org.apache.kafka.connect.data.")) {
      return logicalValue(schema);
    }
    switch (schema.type()) {
      case INT8:
        return (byte) random.nextInt();
      case INT16:
        return (short) random.nextInt();
      case INT32:
        return chance(0.1) ? Integer.MIN_VALUE : random.nextInt() >> random.nextInt(32);
      case INT64:
        return chance(0.1) ? Long.MIN_VALUE : random.nextLong() >> random.nextInt(64);
      case FLOAT32:
        return chance(0.5) ? (float) number() : Float.intBitsToFloat(random.nextInt());
      case FLOAT64:
        return number();
      case BOOLEAN:
        return chance(0.5);
      case STRING:
        return text();
      case BYTES:
        byte[] bytes = new byte[random.nextInt(chance(0.01) ? 9_000 : 7)];
        random.nextBytes(bytes);
        return chance(0.5) ? bytes : ByteBuffer.wrap(bytes);
      case ARRAY:
        List<Object> items = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          items.add(value(schema.valueSchema()));
        }
        return items;
      case MAP:
        Map<Object, Object> pairs = new HashMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          pairs.put(value(schema.keySchema()), value(schema.valueSchema()));
        }
        return pairs;
      default:
        return struct(schema, 0);
    }
  }

  private Object logicalValue(Schema schema) {
    switch (schema.type()) {
      case BYTES:
        int scale = Integer.parseInt(schema.parameters().get(Decimal.SCALE_FIELD));
        return new BigDecimal(new BigInteger(random.nextInt(90), random), scale);
      case INT64:
        return new Date(random.nextLong() >> 20);
      default:
        long day = 24L * 60 * 60 * 1000;
        return new Date(schema.name().endsWith("Time")
            ? random.nextInt((int) day)
            : day * random.nextInt(30_000));
    }
  }

  private double number() {
    return chance(0.5)
        ? NUMBERS[random.nextInt(NUMBERS.length)]
        : Double.longBitsToDouble(random.nextLong());
  }

  String text() {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(chance(0.02) ? 3_000 : 4);
    for (int i = 0; i < parts; i++) {
      text.append(chance(0.5) ? any(TEXTS) : String.valueOf((char) random.nextInt(0x10000)));
    }
    return text.toString();
  }

  /** Returns a text that differs where two values do, in their classes too. */
  static String describe(Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof Struct) {
      StringBuilder text = new StringBuilder("{");
      for (Field field : ((Struct) value).schema().fields()) {
        text.append(field.name()).append('=')
            .append(describe(((Struct) value).getWithoutDefault(field.name()))).append(' ');
      }
      return text.append('}').toString();
    }
    if (value instanceof List) {
      List<String> items = new ArrayList<>();
      ((List<?>) value).forEach(item -> items.add(describe(item)));
      return items.toString();
    }
    if (value instanceof Map) {
      Map<String, String> pairs = new java.util.TreeMap<>();
      ((Map<?, ?>) value).forEach((key, item) -> pairs.put(describe(key), describe(item)));
      return pairs.toString();
    }
    boolean isArray = value instanceof byte[];
    return value.getClass().getSimpleName() + ":"
        + (isArray ? new BigInteger(1, (byte[]) value) + "/" + ((byte[]) value).length : value);
  }

  static String describe(Schema schema) {
    if (schema == null) {
      return "none";
    }
    StringBuilder text = new StringBuilder();
    text.append(schema.type()).append(' ').append(schema.name()).append(schema.version())
        .append(schema.doc()).append(schema.parameters()).append(schema.isOptional())
        .append(describe(schema.defaultValue()));
    switch (schema.type()) {
      case STRUCT:
        schema.fields().forEach(field ->
            text.append(", ").append(field.name()).append(' ').append(describe(field.schema())));
        break;
      case MAP:
        text.append(describe(schema.keySchema())).append(describe(schema.valueSchema()));
        break;
      case ARRAY:
        text.append(describe(schema.valueSchema()));
        break;
      default:
    }
    return text.append(';').toString();
  }

  /** Returns a failure as its class, message and cause: what Connect's dead letters show. */
  static String describe(RuntimeException error) {
    Throwable cause = error.getCause();
    return error.getClass().getName() + ": " + error.getMessage()
        + (cause == null ? "" : " <- " + cause.getClass().getName());
  }
}
