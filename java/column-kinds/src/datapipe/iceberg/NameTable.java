package datapipe.iceberg;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.util.SchemaUtil;

/**
 * Adds a record's topic and its table in the archive as fields.
 *
 * <p>The sink takes the table from the second (iceberg.tables.dynamic-enabled). Its static routes are a
 * regular expression for each table, all of which it tries for each record: with 400 tables that
 * takes longer than the record itself.
 *
 * <p>A record without a table is refused: the sink would leave it out without a message.
 */
public class NameTable<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String TOPIC_FIELD = "topic.field";
  static final String TABLE_FIELD = "table.field";

  private final Map<String, Topic> topics = new HashMap<>();
  private String topicField;
  private String tableField;

  @Override
  public R apply(R record) {
    if (record.value() == null) {
      return record;
    }
    Topic topic = topics.get(record.topic());
    if (topic == null) {
      throw new DataException("No table is known for the topic " + record.topic());
    }
    if (!(record.value() instanceof Struct)) {
      throw new DataException("A record of " + record.topic() + " has no schema");
    }
    Struct named = topic.named((Struct) record.value());
    return record.newRecord(
        record.topic(), record.kafkaPartition(), record.keySchema(), record.key(),
        named.schema(), named, record.timestamp());
  }

  private final class Topic {
    private final String name;
    private final String table;
    private final SchemaCache<Schema> extended = new SchemaCache<>(NameTable.this::extend);

    Topic(String name, String table) {
      this.name = name;
      this.table = table;
    }

    Struct named(Struct row) {
      Struct named = new Struct(extended.of(row.schema()));
      List<Field> fields = named.schema().fields();
      List<Field> originals = row.schema().fields();
      int count = originals.size();
      for (int i = 0; i < count; i++) {
        named.put(fields.get(i), row.getWithoutDefault(originals.get(i).name()));
      }
      return named.put(fields.get(count), name).put(fields.get(count + 1), table);
    }
  }

  private Schema extend(Schema original) {
    SchemaBuilder builder = SchemaUtil.copySchemaBasics(original, SchemaBuilder.struct());
    for (Field field : original.fields()) {
      builder.field(field.name(), field.schema());
    }
    builder.field(topicField, Schema.OPTIONAL_STRING_SCHEMA);
    builder.field(tableField, Schema.OPTIONAL_STRING_SCHEMA);
    return original.isOptional() ? builder.optional().build() : builder.build();
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(Routes.SETTING, ConfigDef.Type.LIST, ConfigDef.Importance.HIGH,
            "The topics and their tables, each as topic:database.table.")
        .define(TOPIC_FIELD, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The field that gets the topic.")
        .define(TABLE_FIELD, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The field that gets the table, as database.table.");
  }

  @Override
  public void configure(Map<String, ?> given) {
    Map<String, Object> parsed = config().parse(given);
    topicField = (String) parsed.get(TOPIC_FIELD);
    tableField = (String) parsed.get(TABLE_FIELD);
    Routes.parse(parsed.get(Routes.SETTING))
        .forEach((topic, table) -> topics.put(topic, new Topic(topic, table)));
  }

  @Override
  public void close() {}
}
