package datapipe.connect;

import java.util.Map;
import org.apache.kafka.common.cache.Cache;
import org.apache.kafka.common.cache.LRUCache;
import org.apache.kafka.common.cache.SynchronizedCache;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.util.SchemaUtil;

/**
 * Removes the defaults of optional fields from a record's schema, so that a NULL stays a NULL.
 *
 * <p>Struct.get returns the default if a field is null. Debezium's ExtractNewRecordState and
 * Iceberg's sink both call it, and none of their settings changes that. A required field is never
 * null and keeps its default: without it Schema Registry would refuse a column that is added as NOT
 * NULL DEFAULT (BACKWARD compatibility: a reader of the new schema must read old records, too).
 */
public class DropDefaults<R extends ConnectRecord<R>> implements Transformation<R> {
  private final Cache<Schema, Schema> schemas = new SynchronizedCache<>(new LRUCache<>(256));

  @Override
  public R apply(R record) {
    if (!(record.value() instanceof Struct)) {
      return record;
    }
    Schema schema = withoutDefaults(record.valueSchema());
    Struct value = copy((Struct) record.value(), schema);
    return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
        record.key(), schema, value, record.timestamp());
  }

  private Schema withoutDefaults(Schema schema) {
    Schema known = schemas.get(schema);
    if (known == null) {
      known = rebuild(schema);
      schemas.put(schema, known);
    }
    return known;
  }

  private static Schema rebuild(Schema schema) {
    SchemaBuilder builder;
    if (schema.type() == Schema.Type.STRUCT) {
      builder = SchemaUtil.copySchemaBasics(schema, SchemaBuilder.struct());
      for (Field field : schema.fields()) {
        builder.field(field.name(), rebuild(field.schema()));
      }
    } else {
      builder = SchemaUtil.copySchemaBasics(schema);
    }
    if (schema.isOptional()) {
      builder.optional();
    } else if (schema.defaultValue() != null && schema.type() != Schema.Type.STRUCT) {
      builder.defaultValue(schema.defaultValue());
    }
    return builder.build();
  }

  private static Struct copy(Struct from, Schema schema) {
    Struct to = new Struct(schema);
    for (Field field : schema.fields()) {
      Object value = from.getWithoutDefault(field.name());
      to.put(field, value instanceof Struct ? copy((Struct) value, field.schema()) : value);
    }
    return to;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef();
  }

  @Override
  public void configure(Map<String, ?> settings) {}

  @Override
  public void close() {}
}
