import datapipe.connect.FlattenChanges;
import datapipe.connect.NullableColumns;
import datapipe.connect.RowOfTruncate;
import io.debezium.transforms.ExtractNewRecordState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Compares FlattenChanges and unwrapping with the three transforms of which it replaces two, for changes
 * of any table, truncates, tombstones, heartbeats, and what Debezium does not make.
 *
 * <p>Prints one line, with the seed if two differ, and then which records FlattenChanges flattens.
 */
public class FlattenedChanges {
  private static final String ADDED = "op,ts_ms,source.ts_ms,source.lsn";

  private final RandomData data;
  private final List<Transformation<SourceRecord>> chain =
      List.of(new NullableColumns<>(), new RowOfTruncate<>(), unwrap());
  private final FlattenChanges<SourceRecord> ours = flatten();
  private final ExtractNewRecordState<SourceRecord> unwrap = unwrap();

  private final String missing;
  private final Schema source;

  private FlattenedChanges(long seed) {
    data = new RandomData(seed);
    missing = data.chance(0.8) ? null
        : data.any(new String[] {"before", "after", "source", "op", "ts_ms", "lsn"});
    source = source();
  }

  public static void main(String[] arguments) {
    long seed = System.nanoTime();
    int flat = 0;
    for (int round = 0; round < 300; round++) {
      try {
        flat += new FlattenedChanges(seed + round).compare();
      } catch (IllegalStateException difference) {
        System.out.println("seed " + (seed + round) + ": " + difference.getMessage());
        return;
      }
    }
    System.out.println(flat > 5_000 ? "equal" : "too few: " + flat);
    for (String operation : List.of("c", "u", "d", "r", "t")) {
      System.out.println(operation + " is flat: " + isFlattened(operation));
    }
    System.out.println("one schema, forgotten after 256 others: "
        + (hasOneSchema(0) && !hasOneSchema(256)));
    for (String field : List.of("source", "after", "op:operation")) {
      System.out.println(field + ": " + refusal(field));
    }
  }

  /** Compares records of a few tables in any order, and returns how many had a row. */
  private int compare() {
    List<Schema> tables = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      tables.add(envelope());
    }
    int rows = 0;
    for (int i = 0; i < 60; i++) {
      SourceRecord record = data.chance(0.1)
          ? other(tables.get(0)) : change(tables.get(data.random.nextInt(4)));
      String expected = through(record);
      String found = throughOurs(record);
      if (!expected.equals(found)) {
        throw new IllegalStateException(record.value() + " became " + found + " instead of " + expected);
      }
      rows += expected.contains("__deleted=String") ? 1 : 0;
    }
    return rows;
  }

  private Schema envelope() {
    Schema row = data.row(data.chance(0.5));
    Schema before = data.chance(0.03) ? data.row(true) : row;
    SchemaBuilder envelope =
        SchemaBuilder.struct().name(data.chance(0.03) ? "t.Value" : "postgres.public.t.Envelope");
    field(envelope, "before", optional(before));
    field(envelope, "after", data.chance(0.03) ? Schema.OPTIONAL_STRING_SCHEMA : optional(row));
    field(envelope, "source", source);
    field(envelope, "op", data.chance(0.03) ? Schema.OPTIONAL_INT64_SCHEMA : Schema.STRING_SCHEMA);
    field(envelope, "ts_ms", Schema.OPTIONAL_INT64_SCHEMA);
    return envelope.build();
  }

  /** Returns the source of all tables: unwrapping takes the first it sees with a row for each. */
  private Schema source() {
    SchemaBuilder builder = SchemaBuilder.struct().name("source");
    builder.field("snapshot", SchemaBuilder.string().optional().defaultValue("false").build());
    field(builder, "ts_ms", Schema.INT64_SCHEMA);
    SchemaBuilder position = SchemaBuilder.int64().optional().name(data.chance(0.5) ? "p" : null);
    Schema number = (data.chance(0.5) ? position.defaultValue(4L) : position).build();
    field(builder, "lsn", data.chance(0.05) ? data.row(true) : number);
    return data.chance(0.1) ? builder.optional().build() : builder.build();
  }

  private void field(SchemaBuilder builder, String name, Schema schema) {
    if (!name.equals(missing)) {
      builder.field(name, schema);
    }
  }

  private Schema optional(Schema row) {
    SchemaBuilder builder = SchemaBuilder.struct().name(row.name()).doc(row.doc());
    row.fields().forEach(field -> builder.field(field.name(), field.schema()));
    if (data.chance(0.01)) {
      builder.field("__op", Schema.STRING_SCHEMA);
    }
    return builder.optional().build();
  }

  private SourceRecord change(Schema envelope) {
    Struct event = data.struct(envelope, 0.02);
    String operation = data.any(new String[] {"c", "u", "d", "r", "t"});
    boolean isUsual = data.chance(0.9);
    if (envelope.field("op") != null && envelope.field("op").schema().type() == Schema.Type.STRING) {
      event.put("op", operation);
    }
    for (String side : List.of("before", "after")) {
      if (envelope.field(side) == null || !isUsual) {
        continue;
      }
      boolean isEmpty = operation.equals("t")
          || side.equals("before") ? "cr".contains(operation) : operation.equals("d");
      Schema schema = envelope.field(side).schema();
      event.put(side, isEmpty ? null : data.value(schema));
    }
    return record(data.chance(0.02) ? envelope() : envelope, event);
  }

  /** Returns a tombstone, a heartbeat, or the metadata of a transaction. */
  private SourceRecord other(Schema envelope) {
    Schema heartbeat = SchemaBuilder.struct().name("io.debezium.connector.common.Heartbeat")
        .field("ts_ms", SchemaBuilder.int64().defaultValue(0L).build()).build();
    switch (data.random.nextInt(4)) {
      case 0:
        return record(null, null);
      case 1:
        return record(envelope, null);
      case 2:
        return record(heartbeat, new Struct(heartbeat).put("ts_ms", 7L));
      default:
        Schema transaction = data.row(false);
        return record(transaction, data.struct(transaction, 0));
    }
  }

  private SourceRecord record(Schema schema, Struct value) {
    Schema keySchema = data.chance(0.2) ? null : data.row(true);
    SourceRecord record = new SourceRecord(Map.of("server", "postgres"), Map.of("lsn", 5L),
        "postgres.public.t", data.chance(0.5) ? null : 3, keySchema,
        keySchema == null ? null : data.struct(keySchema, 0), schema, value, 99L);
    if (data.chance(0.2)) {
      record.headers().addString("__debezium.newkey", data.text());
    }
    return record;
  }

  private String through(SourceRecord record) {
    try {
      SourceRecord result = record;
      for (Transformation<SourceRecord> transform : chain) {
        result = result == null ? null : transform.apply(result);
      }
      return describe(result);
    } catch (RuntimeException error) {
      return RandomData.describe(error);
    }
  }

  private String throughOurs(SourceRecord record) {
    try {
      return describe(unwrap.apply(ours.apply(record)));
    } catch (RuntimeException error) {
      return RandomData.describe(error);
    }
  }

  private static String describe(SourceRecord record) {
    if (record == null) {
      return "dropped";
    }
    return String.join(" ", record.topic(), String.valueOf(record.kafkaPartition()),
        String.valueOf(record.timestamp()), String.valueOf(record.sourcePartition()),
        String.valueOf(record.sourceOffset()), String.valueOf(record.headers()),
        RandomData.describe(record.keySchema()), RandomData.describe(record.key()),
        RandomData.describe(record.valueSchema()), RandomData.describe(record.value()));
  }

  private static FlattenChanges<SourceRecord> flatten() {
    FlattenChanges<SourceRecord> transform = new FlattenChanges<>();
    transform.configure(Map.of("add.fields", ADDED));
    return transform;
  }

  private static ExtractNewRecordState<SourceRecord> unwrap() {
    ExtractNewRecordState<SourceRecord> transform = new ExtractNewRecordState<>();
    transform.configure(Map.of(
        "add.fields", ADDED, "delete.handling.mode", "rewrite", "drop.tombstones", "true"));
    return transform;
  }

  private static boolean isFlattened(String operation) {
    return flatten().apply(event(envelopeOfOne(), operation))
        .valueSchema().field("__deleted") != null;
  }

  /** Returns whether two changes get the same schema object, with others between them. */
  private static boolean hasOneSchema(int others) {
    FlattenChanges<SourceRecord> transform = flatten();
    Schema envelope = envelopeOfOne();
    Schema first = transform.apply(event(envelope, "c")).valueSchema();
    for (int i = 0; i < others; i++) {
      transform.apply(event(envelopeOfOne(), "c"));
    }
    return transform.apply(event(envelope, "d")).valueSchema() == first;
  }

  private static Schema envelopeOfOne() {
    Schema row = SchemaBuilder.struct().name("t.Value").optional()
        .field("id", Schema.INT32_SCHEMA).build();
    Schema source = SchemaBuilder.struct().field("ts_ms", Schema.INT64_SCHEMA)
        .field("lsn", Schema.INT64_SCHEMA).build();
    return SchemaBuilder.struct().name("t.Envelope").field("before", row)
        .field("after", row).field("source", source).field("op", Schema.STRING_SCHEMA)
        .field("ts_ms", Schema.INT64_SCHEMA).build();
  }

  private static SourceRecord event(Schema envelope, String operation) {
    Schema source = envelope.field("source").schema();
    Struct event = new Struct(envelope).put("op", operation).put("ts_ms", 7L)
        .put("source", new Struct(source).put("ts_ms", 6L).put("lsn", 5L));
    if (!operation.equals("t")) {
      event.put(operation.equals("d") ? "before" : "after",
          new Struct(envelope.field("after").schema()).put("id", 1));
    }
    return new SourceRecord(null, null, "t", envelope, event);
  }

  private static String refusal(String field) {
    try {
      new FlattenChanges<SourceRecord>().configure(Map.of("add.fields", field));
      return "accepted";
    } catch (RuntimeException error) {
      return error.getMessage();
    }
  }
}
