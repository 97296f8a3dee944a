import datapipe.connect.LimitRowSize;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

/** Sends rows through LimitRowSize and prints which it refuses, and what passes of them. */
public class LargeRows {
  private static final Schema KEY = SchemaBuilder.struct().name("k")
      .field("id", Schema.INT32_SCHEMA).build();
  private static final Schema ROW = SchemaBuilder.struct().name("v")
      .field("id", Schema.OPTIONAL_INT32_SCHEMA)
      .field("body", Schema.OPTIONAL_STRING_SCHEMA)
      .field("photo", Schema.OPTIONAL_BYTES_SCHEMA)
      .field("n", Schema.OPTIONAL_FLOAT64_SCHEMA)
      .field("__op", Schema.OPTIONAL_STRING_SCHEMA)
      .field("__source_lsn", Schema.OPTIONAL_INT64_SCHEMA)
      .build();
  private static final String[] CHARACTERS = {"x", "\u00e9", "\u20ac", "\ud83d\ude00", "\u0001", "\"", "\n"};

  public static void main(String[] arguments) {
    for (String character : CHARACTERS) {
      SourceRecord record = record(KEY, row(character.repeat(50_000), null));
      System.out.println(escaped(character) + " json: " + judged("json", record, size(record), 16));
    }
    SourceRecord bytes = record(KEY, row(null, new byte[50_000]));
    System.out.println("bytes json: " + judged("json", bytes, size(bytes), 16));
    for (String character : CHARACTERS) {
      String text = character.repeat(50_000);
      int length = text.getBytes(StandardCharsets.UTF_8).length;
      System.out.println(escaped(character) + " avro: "
          + judged("avro", record(KEY, row(text, new byte[9])), length, 512));
    }
    passed(record(KEY, row("x".repeat(3_000), new byte[600])));
    passed(record(KEY, row("x".repeat(3_000), new byte[3_000])));
    passed(record(null, row("x".repeat(3_000), null)));
    passed(record(KEY, row("x".repeat(300), null)));
  }

  /** Returns whether a record is refused just below its size, and passes just above it. */
  private static String judged(String format, SourceRecord record, int size, int slack) {
    return (isRefused(format, record, size - 1) ? "refused" : "passed") + " below, "
        + (isRefused(format, record, size + slack) ? "refused" : "passed") + " above";
  }

  private static boolean isRefused(String format, SourceRecord record, int most) {
    try {
      return limit(format, most, "").apply(record) != record;
    } catch (DataException error) {
      return true;
    }
  }

  /** Prints the refusal of a row, and what passes if it is listed. */
  private static void passed(SourceRecord record) {
    try {
      limit("json", 1_500, "").apply(record);
      System.out.println("passed whole");
    } catch (DataException error) {
      System.out.println(error.getMessage());
      String name = error.getMessage().replaceAll(".*ROW=", "");
      Struct value = (Struct) limit("json", 1_500, name).apply(record).value();
      value.validate();
      System.out.println(name + ": " + value);
    }
  }

  private static LimitRowSize<SourceRecord> limit(String format, int most, String rows) {
    LimitRowSize<SourceRecord> transform = new LimitRowSize<>();
    transform.configure(Map.of("max.bytes", String.valueOf(most), "format", format,
        "topic.prefix", "postgres.", "incomplete.rows", rows));
    return transform;
  }

  /** Returns what Kafka's producer compares with max.request.size. */
  private static int size(SourceRecord record) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", "true"), false);
    return AbstractRecords.estimateSizeInBytesUpperBound(RecordBatch.CURRENT_MAGIC_VALUE,
        CompressionType.LZ4, converter.fromConnectData("", record.keySchema(), record.key()),
        converter.fromConnectData("", record.valueSchema(), record.value()), new Header[0]);
  }

  private static Struct row(String body, byte[] photo) {
    return new Struct(ROW).put("id", 7).put("body", body).put("n", -1.7976931348623157E308)
        .put("photo", photo == null ? null : ByteBuffer.wrap(photo)).put("__op", "c")
        .put("__source_lsn", 9L);
  }

  private static SourceRecord record(Schema keySchema, Struct row) {
    Struct key = keySchema == null ? null : new Struct(keySchema).put("id", 7);
    return new SourceRecord(
        null, null, "postgres.public.t", null, keySchema, key, row.schema(), row);
  }

  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    text.chars().forEach(unit -> escaped.append(String.format("%04x", unit)));
    return escaped.toString();
  }
}
