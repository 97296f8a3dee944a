package datapipe.connect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Reads rows whose schema is known. */
final class RowReader {
  // A topic has several while its partitions are read up to different changes of the table.
  private static final int MOST_SCHEMAS_OF_A_TOPIC = 4;
  private static final int MOST_TOPICS = 1000;

  // The topics that were used last, and the formats of each, the one that was used last first.
  private final Map<String, List<RowFormat>> formats = new LinkedHashMap<>(16, 0.75f, true) {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, List<RowFormat>> eldest) {
      return size() > MOST_TOPICS;
    }
  };

  /** Returns the row of a record; null if Kafka's converter must read it. */
  synchronized Struct read(String topic, byte[] record) {
    List<RowFormat> known = formats.getOrDefault(topic, List.of());
    for (int i = 0; i < known.size(); i++) {
      RowFormat format = known.get(i);
      if (format.matches(record)) {
        if (i > 0) {
          known.remove(i);
          known.add(0, format);
        }
        return format.read(record);
      }
    }
    return null;
  }

  /** Learns a schema from a record that Kafka's converter has read. */
  synchronized void learn(String topic, Schema schema, byte[] record) {
    List<RowFormat> known = formats.computeIfAbsent(topic, any -> new ArrayList<>());
    if (known.stream().anyMatch(format -> format.matches(record))) {
      return;
    }
    RowFormat.of(schema, record).ifPresent(format -> {
      known.add(0, format);
      if (known.size() > MOST_SCHEMAS_OF_A_TOPIC) {
        known.remove(MOST_SCHEMAS_OF_A_TOPIC);
      }
    });
  }
}
