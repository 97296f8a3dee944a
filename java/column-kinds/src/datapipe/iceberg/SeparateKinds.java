package datapipe.iceberg;

import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.catalog.Catalog;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Keeps values of two kinds out of one column of an Iceberg table, where a column's type changes.
 *
 * <p>Iceberg's sink converts what it is given to the column's type: 7.9 becomes 7 in an int, text
 * becomes bytes as if it were base64, and a date is one number like a timestamp. This transform
 * renames such a field, so that its values get a column of their own. For each new schema of a topic
 * it asks the catalog, and it adds the missing columns with comments that say their kinds.
 *
 * <p>It must be the last transform: it creates tables of the fields that it is given. Without the
 * catalog the task fails, and is restarted; no record is refused for that.
 */
public class SeparateKinds<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String HOUR_COLUMN = "partition.hour";
  static final String CATALOG_NAME = "catalog.name";
  private static final String CATALOG = "catalog.";
  private static final String TABLE = "table.";

  private final Map<String, SchemaCache<RenamedFields>> topics = new HashMap<>();
  private Map<String, ?> settings;
  private String hourColumn;
  private IcebergTables tables;

  @Override
  public R apply(R record) {
    SchemaCache<RenamedFields> topic = topics.get(record.topic());
    if (topic == null || !(record.value() instanceof Struct)) {
      return record;
    }
    RenamedFields renamed = topic.of(record.valueSchema());
    if (renamed.isEmpty()) {
      return record;
    }
    return record.newRecord(
        record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
        renamed.schema, renamed.copy((Struct) record.value()), record.timestamp());
  }

  /** Opens the catalog at the first record: Connect also makes transforms to validate settings. */
  private IcebergTables tables() {
    if (tables == null) {
      Map<String, String> properties = withPrefix(CATALOG);
      String name = properties.remove(CATALOG_NAME.substring(CATALOG.length()));
      try {
        Catalog catalog = CatalogUtil.buildIcebergCatalog(name, properties, null);
        tables = new IcebergTables(catalog, hourColumn, withPrefix(TABLE));
      } catch (RuntimeException failure) {
        throw new UnpreparedTableError("The Iceberg catalog can't be opened", failure);
      }
    }
    return tables;
  }

  private Map<String, String> withPrefix(String prefix) {
    Map<String, String> found = new HashMap<>();
    settings.forEach(
        (key, value) -> {
          if (key.startsWith(prefix)) {
            found.put(key.substring(prefix.length()), value.toString());
          }
        });
    return found;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(Routes.SETTING, ConfigDef.Type.LIST, ConfigDef.Importance.HIGH,
            "The topics and their tables, each as topic:database.table.")
        .define(HOUR_COLUMN, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The column by whose hour new tables are partitioned.")
        .define(CATALOG_NAME, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The catalog's name; its properties are catalog.*, and those of new tables table.*");
  }

  @Override
  public void configure(Map<String, ?> given) {
    Map<String, Object> parsed = config().parse(given);
    settings = given;
    hourColumn = (String) parsed.get(HOUR_COLUMN);
    Routes.parse(parsed.get(Routes.SETTING))
        .forEach((topic, table) -> topics.put(topic, new SchemaCache<>(schema ->
            new RenamedFields(schema, tables().prepare(table, schema).renamed))));
  }

  @Override
  public void close() {
    if (tables == null) {
      return;
    }
    try {
      tables.close();
    } catch (Exception failure) {
      throw new ConnectException("The Iceberg catalog can't be closed", failure);
    }
  }
}
