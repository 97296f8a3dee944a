package datapipe.connect;

import java.io.ByteArrayOutputStream;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/** Writes rows whose schema is known. */
final class RowWriter {
  private static final int MOST_SCHEMAS = 256;
  // A larger buffer, of a large row, is not kept.
  private static final int KEPT_BYTES = 64 * 1024;

  // By identity: a table's rows have one schema object until its columns change.
  private final Map<Schema, Optional<RowFormat>> formats = new IdentityHashMap<>();
  private ByteArrayOutputStream buffer = new ByteArrayOutputStream();

  /** Returns the row's record; null if Kafka's converter must write it. */
  synchronized byte[] write(Struct row) {
    Optional<RowFormat> format = formats.get(row.schema());
    if (format == null || !format.isPresent()) {
      return null;
    }
    buffer.reset();
    byte[] record = format.get().write(row, buffer) ? buffer.toByteArray() : null;
    if (buffer.size() > KEPT_BYTES) {
      buffer = new ByteArrayOutputStream();
    }
    return record;
  }

  /** Learns a schema from a record that Kafka's converter has written. */
  synchronized void learn(Schema schema, byte[] record) {
    if (formats.containsKey(schema)) {
      return;
    }
    if (formats.size() >= MOST_SCHEMAS) {
      formats.clear();
    }
    formats.put(schema, RowFormat.of(schema, record));
  }
}
