import datapipe.iceberg.SeparateKinds;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.types.Types;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Runs records through SeparateKinds against a catalog in memory; a command a line, an answer a line.
 *
 * <pre>
 * record TASK TABLE NAME:TYPE[:SCHEMA] …   the fields of the record that comes out
 * create TABLE NAME:TYPE …                 a table as versions before comments made it
 * comment TABLE COLUMN TEXT                changes a column's comment
 * columns TABLE                            the columns, with their types and comments
 * fail                                     the next request to the catalog fails
 * race TASK TABLE NAME:TYPE …              such a record passes between the next load and its commit
 * loads                                    how often tables were loaded
 * seconds COUNT TABLE NAME:TYPE …          how long so many records of one schema take
 * </pre>
 */
public class SeparatedKinds {
  private static final Map<String, SeparateKinds<SinkRecord>> TASKS = new HashMap<>();
  private static final Map<Schema.Type, Object> VALUES = new HashMap<>();
  private static final SharedCatalog CATALOG = new SharedCatalog();
  private static boolean fails;
  private static Runnable race;
  private static int loads;

  static {
    VALUES.put(Schema.Type.INT16, (short) 6);
    VALUES.put(Schema.Type.INT32, 7);
    VALUES.put(Schema.Type.INT64, 8L);
    VALUES.put(Schema.Type.FLOAT32, 0.5f);
    VALUES.put(Schema.Type.FLOAT64, 7.9);
    VALUES.put(Schema.Type.BOOLEAN, true);
    VALUES.put(Schema.Type.STRING, "text");
    VALUES.put(Schema.Type.BYTES, new byte[] {1});
  }

  /** What every task opens as the catalog: one and the same. */
  public static class SharedCatalog extends InMemoryCatalog {
    @Override
    public Table loadTable(TableIdentifier name) {
      if (this != CATALOG) {
        return CATALOG.loadTable(name);
      }
      loads++;
      if (fails) {
        fails = false;
        throw new IllegalStateException("no answer from the catalog");
      }
      Table table;
      try {
        table = super.loadTable(name);
      } finally {
        runRace();
      }
      return table;
    }

    private static void runRace() {
      Runnable other = race;
      race = null;
      if (other != null) {
        other.run();
      }
    }

    @Override
    public TableBuilder buildTable(TableIdentifier name, org.apache.iceberg.Schema schema) {
      return this == CATALOG ? super.buildTable(name, schema) : CATALOG.buildTable(name, schema);
    }
  }

  public static void main(String[] arguments) throws Exception {
    CATALOG.initialize("test", Map.of());
    CATALOG.createNamespace(Namespace.of("cdc"));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      System.out.println(answer(line.split(" ")));
    }
  }

  private static String answer(String[] words) {
    switch (words[0]) {
      case "record":
        return pass(words[1], words[2], words, 3);
      case "create":
        List<Types.NestedField> fields = new ArrayList<>();
        for (int i = 2; i < words.length; i++) {
          String[] parts = words[i].split(":");
          fields.add(Types.NestedField.optional(i, parts[0], Types.fromPrimitiveString(parts[1])));
        }
        CATALOG.createTable(table(words[1]), new org.apache.iceberg.Schema(fields));
        return "created";
      case "comment":
        UpdateSchema update = CATALOG.loadTable(table(words[1])).updateSchema();
        String text = String.join(" ", Arrays.asList(words).subList(3, words.length));
        update.updateColumnDoc(words[2], text).commit();
        return "commented";
      case "columns":
        return CATALOG.loadTable(table(words[1])).schema().columns().stream()
            .map(each -> each.name() + " " + each.type() + " " + each.doc())
            .collect(Collectors.joining(" | "));
      case "fail":
        fails = true;
        return "failing";
      case "race":
        race = () -> pass(words[1], words[2], words, 3);
        return "racing";
      case "loads":
        return String.valueOf(loads);
      case "seconds":
        return seconds(Integer.parseInt(words[1]), words[2], words);
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  private static String pass(String task, String table, String[] words, int first) {
    SinkRecord record = record(table, words, first);
    try {
      SinkRecord out = task(task).apply(record);
      Struct value = (Struct) out.value();
      String same = out == record ? "unchanged:" : "renamed:";
      return same + value.schema().fields().stream()
          .filter(field -> !field.name().startsWith("__source"))
          .map(field -> " " + field.name() + "=" + text(value.getWithoutDefault(field.name())))
          .collect(Collectors.joining());
    } catch (Throwable failure) {
      // Connect makes a dead letter of a record whose transform throws an Exception.
      String outcome = failure instanceof Exception ? "dead letter: " : "the task fails: ";
      return outcome + failure.getMessage();
    }
  }

  private static String seconds(int count, String table, String[] words) {
    SinkRecord record = record(table, words, 3);
    SeparateKinds<SinkRecord> task = task("timed");
    task.apply(record);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      task.apply(record);
    }
    return String.valueOf((System.nanoTime() - start) / 1e9);
  }

  private static String text(Object value) {
    return value instanceof byte[] ? "bytes" : String.valueOf(value);
  }

  private static SinkRecord record(String table, String[] words, int first) {
    SchemaBuilder builder = SchemaBuilder.struct().field("__source_ts_ms",
        Timestamp.builder().optional().build());
    for (int i = first; i < words.length; i++) {
      builder.field(words[i].split(":")[0], schema(words[i].split(":")));
    }
    Schema schema = builder.build();
    Struct value = new Struct(schema);
    for (Field field : schema.fields()) {
      Object given = VALUES.get(field.schema().type());
      boolean isNested = !field.schema().type().isPrimitive();
      value.put(field, field.name().startsWith("__source") || isNested ? null : given);
    }
    return new SinkRecord("topic." + table, 0, null, null, schema, value, 5, 1L,
        TimestampType.CREATE_TIME);
  }

  private static Schema schema(String[] parts) {
    SchemaBuilder builder;
    if (parts[1].startsWith("ARRAY_")) {
      Schema.Type item = Schema.Type.valueOf(parts[1].substring("ARRAY_".length()));
      builder = SchemaBuilder.array(new SchemaBuilder(item).optional().build());
    } else if (parts[1].startsWith("STRUCT_")) {
      Schema.Type item = Schema.Type.valueOf(parts[1].substring("STRUCT_".length()));
      builder = SchemaBuilder.struct().field("x", new SchemaBuilder(item).optional().build());
    } else {
      builder = new SchemaBuilder(Schema.Type.valueOf(parts[1]));
    }
    if (parts.length > 2 && !parts[2].isEmpty()) {
      builder.name(parts[2]);
    }
    if (parts.length > 3) {
      builder.parameter("length", parts[3]).parameter("scale", parts[3]);
    }
    return builder.optional().build();
  }

  private static SeparateKinds<SinkRecord> task(String name) {
    return TASKS.computeIfAbsent(name, unused -> {
      SeparateKinds<SinkRecord> task = new SeparateKinds<>();
      List<String> routes = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        routes.add("topic.t" + i + ":cdc.t" + i);
      }
      task.configure(Map.of(
          "routes", String.join(",", routes), "partition.hour", "__source_ts_ms",
          "catalog.name", "test", "catalog.catalog-impl", SharedCatalog.class.getName(),
          "table.write.parquet.compression-codec", "zstd"));
      return task;
    });
  }

  private static TableIdentifier table(String name) {
    return TableIdentifier.of("cdc", name);
  }
}
