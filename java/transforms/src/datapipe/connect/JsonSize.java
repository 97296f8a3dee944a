package datapipe.connect;

import java.util.IdentityHashMap;
import java.util.Map;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * The size of a record in JSON with its schema.
 *
 * <p>The bound is the size of a record of the same schema whose columns are all NULL, which is
 * computed once for a schema, and for each value what its characters can take: a control character
 * is written as six bytes.
 */
final class JsonSize implements RecordSize {
  private static final int MOST_SCHEMAS = 1024;

  private final JsonConverter converter = new JsonConverter();
  private final ValueBounds bounds = new ValueBounds(6, 4.0 / 3);
  private final Map<Schema, Long> empty = new IdentityHashMap<>();

  JsonSize() {
    converter.configure(Map.of("schemas.enable", "true", "replace.null.with.default", "false"),
        false);
  }

  @Override
  public long bound(ConnectRecord<?> record) {
    Struct value = (Struct) record.value();
    return OVERHEAD + emptySize(record.valueSchema()) + bounds.of(value) + keySize(record);
  }

  private long keySize(ConnectRecord<?> record) {
    if (record.key() == null) {
      return 0;
    }
    Long known = empty.get(record.keySchema());
    // Columns of a key may not be NULL, so the first key takes the place of an empty one.
    if (known == null) {
      known = remember(record.keySchema(), measure(record.keySchema(), record.key()));
    }
    return known + bounds.of(record.key());
  }

  private long emptySize(Schema schema) {
    Long known = empty.get(schema);
    return known != null ? known : remember(schema, measure(schema, new Struct(schema)));
  }

  private Long remember(Schema schema, long size) {
    if (empty.size() >= MOST_SCHEMAS) {
      empty.clear();
    }
    empty.put(schema, size);
    return size;
  }

  @Override
  public long measure(ConnectRecord<?> record) {
    long key = record.key() == null ? 0 : measure(record.keySchema(), record.key());
    return OVERHEAD + key + measure(record.valueSchema(), record.value());
  }

  @Override
  public long measure(Schema schema, Object value) {
    return converter.fromConnectData("", schema, value).length;
  }
}
