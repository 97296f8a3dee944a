package datapipe.iceberg;

import java.util.function.Function;
import org.apache.kafka.common.cache.LRUCache;
import org.apache.kafka.connect.data.Schema;

/** What was made of the schemas of a topic, of which the last is nearly always the next. */
final class SchemaCache<T> {
  private static final int SCHEMAS_OF_A_TOPIC = 16;

  private final LRUCache<Schema, T> known = new LRUCache<>(SCHEMAS_OF_A_TOPIC);
  private final Function<Schema, T> make;
  private Schema last;
  private T made;

  SchemaCache(Function<Schema, T> make) {
    this.make = make;
  }

  T of(Schema schema) {
    if (schema != last) {
      T found = known.get(schema);
      if (found == null) {
        found = make.apply(schema);
        known.put(schema, found);
      }
      last = schema;
      made = found;
    }
    return made;
  }
}
