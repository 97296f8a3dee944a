package datapipe.connect;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.transforms.util.SchemaUtil;

/** A change of a table whose record is above the limit: what it is called, and what it can lose. */
final class LargeRow<R extends ConnectRecord<R>> {
  /** Names the columns whose values are not in the record. */
  static final String LOST = "__lost";

  private static final Set<String> ADDED = Set.of("__op", "__ts_ms", "__deleted");
  private static final String ADDED_OF_SOURCE = "__source_";
  private static final int DIGEST_BYTES = 8;
  private static final int SHOWN_COLUMNS = 3;
  /** A column that takes less than this part of the record is not named. */
  private static final int WORTH_NAMING = 100;
  private static final int SHOWN_CHARACTERS = 200;

  private final R record;
  private final Struct row;
  private final String table;
  private final RecordSize size;
  private final String identity;

  LargeRow(R record, String table, RecordSize size) {
    this.record = record;
    this.row = (Struct) record.value();
    this.table = table;
    this.size = size;
    this.identity = record.key() == null
        ? json(row.schema(), ownColumns())
        : json(record.keySchema(), record.key());
  }

  /** Returns the table and a digest of the key; without a key, of all columns. */
  String name() {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256")
          .digest(identity.getBytes(StandardCharsets.UTF_8));
      StringBuilder name = new StringBuilder(table).append('/');
      for (int i = 0; i < DIGEST_BYTES; i++) {
        name.append(String.format("%02x", digest[i]));
      }
      return name.toString();
    } catch (NoSuchAlgorithmException error) {
      throw new DataException("this Java has no SHA-256", error);
    }
  }

  @Override
  public String toString() {
    String key = record.key() == null ? "without a key" : "with the key " + shown(identity);
    return "The row of " + table + " " + key + " (__op " + added("__op") + ", __source_lsn "
        + added("__source_lsn") + ")";
  }

  /** Returns the columns that take most of the bytes, each with its own. */
  String largestColumns(long bytes) {
    return sizes().entrySet().stream()
        .filter(column -> column.getValue() > bytes / WORTH_NAMING)
        .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
        .limit(SHOWN_COLUMNS)
        .map(column -> column.getKey() + " " + column.getValue())
        .collect(Collectors.joining(", "));
  }

  /** Returns the fewest columns, the largest first, without which the record is not too large. */
  List<String> columnsToLeaveOut(long mostBytes) {
    List<String> left = new ArrayList<>();
    List<Map.Entry<String, Long>> columns = new ArrayList<>(sizes().entrySet());
    columns.sort(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()));
    for (Map.Entry<String, Long> column : columns) {
      left.add(column.getKey());
      if (size.measure(without(left)) <= mostBytes) {
        return left;
      }
    }
    throw new DataException(this + " is above the limit of " + mostBytes
        + " bytes even without its values: raise kafka.maxRowSize in the stack file");
  }

  /** Returns the record with NULL in these columns, and their names in a column of its own. */
  R without(List<String> columns) {
    SchemaBuilder builder = SchemaUtil.copySchemaBasics(row.schema(), SchemaBuilder.struct());
    for (Field field : row.schema().fields()) {
      builder.field(field.name(), field.schema());
    }
    Schema schema = builder.field(LOST, Schema.OPTIONAL_STRING_SCHEMA).build();
    Struct value = new Struct(schema).put(LOST, String.join(",", columns));
    for (Field field : row.schema().fields()) {
      if (!columns.contains(field.name())) {
        value.put(field.name(), row.getWithoutDefault(field.name()));
      }
    }
    return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
        record.key(), schema, value, record.timestamp());
  }

  /** Returns the bytes of each column of the table that has a value and is not part of the key. */
  private Map<String, Long> sizes() {
    Map<String, Long> sizes = new LinkedHashMap<>();
    for (Field field : row.schema().fields()) {
      Object value = row.getWithoutDefault(field.name());
      if (value != null && !isAdded(field) && !isInKey(field)) {
        sizes.put(field.name(), size.measure(field.schema(), value));
      }
    }
    return sizes;
  }

  /** Returns whether unwrapping has added a field to the table's columns. */
  private static boolean isAdded(Field field) {
    return ADDED.contains(field.name()) || field.name().startsWith(ADDED_OF_SOURCE);
  }

  private boolean isInKey(Field field) {
    return record.keySchema() != null && record.keySchema().field(field.name()) != null;
  }

  private Struct ownColumns() {
    Struct own = new Struct(row.schema());
    for (Field field : row.schema().fields()) {
      if (!isAdded(field)) {
        own.put(field, row.getWithoutDefault(field.name()));
      }
    }
    return own;
  }

  private Object added(String name) {
    return row.schema().field(name) == null ? null : row.get(name);
  }

  private static String json(Schema schema, Object value) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", "false"), false);
    return new String(converter.fromConnectData("", schema, value), StandardCharsets.UTF_8);
  }

  private static String shown(String text) {
    return text.length() <= SHOWN_CHARACTERS ? text : text.substring(0, SHOWN_CHARACTERS) + "…";
  }
}
