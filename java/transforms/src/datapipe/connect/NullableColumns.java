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
 * Makes every column of a change nullable in the record's schema, and removes its default.
 *
 * <p>Without the default a NULL stays a NULL: Struct.get returns the default if a field is null.
 * Debezium's ExtractNewRecordState and Iceberg's sink both call it, and none of their settings
 * changes that.
 *
 * <p>Nullable columns let one schema describe all records of a topic: the rows, and a TRUNCATE,
 * which has no values. A Schema Registry with BACKWARD compatibility would accept a nullable column
 * after a required one, but never the other way round, as in the first row after a TRUNCATE. Keys,
 * and the fields within a column's value, keep their schemas.
 */
public class NullableColumns<R extends ConnectRecord<R>> implements Transformation<R> {
  private final Cache<Schema, Schema> schemas = new SynchronizedCache<>(new LRUCache<>(256));

  @Override
  public R apply(R record) {
    if (!(record.value() instanceof Struct)) {
      return record;
    }
    Schema schema = nullable(record.valueSchema());
    Struct value = copy((Struct) record.value(), schema);
    return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
        record.key(), schema, value, record.timestamp());
  }

  private Schema nullable(Schema schema) {
    Schema known = schemas.get(schema);
    if (known == null) {
      known = rebuild(schema);
      schemas.put(schema, known);
    }
    return known;
  }

  static Schema rebuild(Schema schema) {
    return rebuild(schema, schema.isOptional(), Envelopes.isEnvelope(schema));
  }

  private static Schema rebuild(Schema schema, boolean optional, boolean isEnvelope) {
    SchemaBuilder builder;
    switch (schema.type()) {
      case STRUCT:
        builder = SchemaUtil.copySchemaBasics(schema, SchemaBuilder.struct());
        for (Field field : schema.fields()) {
          builder.field(field.name(), isEnvelope && Envelopes.isRow(field)
              ? row(field.schema())
              : rebuild(field.schema(), field.schema().isOptional(), false));
        }
        break;
      case MAP:
        builder = SchemaUtil.copySchemaBasics(
            schema, SchemaBuilder.map(schema.keySchema(), schema.valueSchema()));
        break;
      default:
        builder = SchemaUtil.copySchemaBasics(schema);
    }
    return optional ? builder.optional().build() : builder.build();
  }

  private static Schema row(Schema schema) {
    SchemaBuilder builder = SchemaUtil.copySchemaBasics(schema, SchemaBuilder.struct());
    for (Field column : schema.fields()) {
      builder.field(column.name(), rebuild(column.schema(), true, false));
    }
    return schema.isOptional() ? builder.optional().build() : builder.build();
  }

  static Struct copy(Struct from, Schema schema) {
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
