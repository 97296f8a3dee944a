package datapipe.connect;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Flattens a change with one copy of its row, as {@link NullableColumns}, {@link RowOfTruncate} and
 * Debezium's ExtractNewRecordState do with five copies.
 *
 * <p>ExtractNewRecordState comes after it, with delete.handling.mode=rewrite and the same add.fields.
 * It lets a flat record pass and does its own work on any other: this transform only applies the other
 * two to a record that it does not know.
 */
public class FlattenChanges<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String ADD_FIELDS = "add.fields";

  private static final String KNOWN_FIELDS = "op|ts_ms|source\\.\\w+";
  private static final int MOST_SCHEMAS = 256;

  private final NullableColumns<R> nullableColumns = new NullableColumns<>();
  private final RowOfTruncate<R> rowOfTruncate = new RowOfTruncate<>();
  // By identity: a table's changes have one schema object until its columns change. A transform
  // belongs to one task, and so to one thread.
  private final Map<Schema, Optional<FlatSchema>> schemas = new IdentityHashMap<>();
  private List<String> addFields;

  @Override
  public R apply(R record) {
    if (record.value() instanceof Struct && Envelopes.isEnvelope(record.valueSchema())) {
      Struct event = (Struct) record.value();
      Optional<Struct> flat = schemaOf(record.valueSchema()).flatMap(found -> found.flatten(event));
      if (flat.isPresent()) {
        return record.newRecord(record.topic(), record.kafkaPartition(), record.keySchema(),
            record.key(), flat.get().schema(), flat.get(), record.timestamp());
      }
    }
    return rowOfTruncate.apply(nullableColumns.apply(record));
  }

  private Optional<FlatSchema> schemaOf(Schema envelope) {
    Optional<FlatSchema> known = schemas.get(envelope);
    if (known == null) {
      if (schemas.size() >= MOST_SCHEMAS) {
        schemas.clear();
      }
      known = FlatSchema.of(envelope, addFields);
      schemas.put(envelope, known);
    }
    return known;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(ADD_FIELDS, ConfigDef.Type.LIST, "", ConfigDef.Importance.HIGH,
            "The fields of the change that become columns, as ExtractNewRecordState has them.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    addFields = new ArrayList<>();
    for (Object field : (Iterable<?>) config().parse(settings).get(ADD_FIELDS)) {
      if (!field.toString().matches(KNOWN_FIELDS)) {
        throw new ConfigException(ADD_FIELDS, field, "allowed: op, ts_ms and source.NAME");
      }
      addFields.add(field.toString());
    }
  }

  @Override
  public void close() {}
}
