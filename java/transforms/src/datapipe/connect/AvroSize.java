package datapipe.connect;

import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;

/**
 * A bound of a record's size in Avro, close above it: the schema is in a registry, a text is its
 * bytes in UTF-8, and what each value takes in addition is at most some bytes.
 */
final class AvroSize implements RecordSize {
  /** The id of the schema, of a registry of any kind. */
  private static final int SCHEMA_ID = 32;
  private static final int SCALAR = 16;
  private static final ValueBounds BOUNDS = new ValueBounds(3, 1);

  @Override
  public long bound(ConnectRecord<?> record) {
    return OVERHEAD + 2 * SCHEMA_ID + BOUNDS.of(record.key()) + BOUNDS.of(record.value());
  }

  @Override
  public long measure(ConnectRecord<?> record) {
    return OVERHEAD + measure(record.keySchema(), record.key())
        + measure(record.valueSchema(), record.value());
  }

  @Override
  public long measure(Schema schema, Object value) {
    return SCHEMA_ID + of(value);
  }

  private static long of(Object value) {
    if (value instanceof String) {
      return SCALAR + utf8Length((String) value);
    }
    if (value instanceof byte[]) {
      return SCALAR + ((byte[]) value).length;
    }
    if (value instanceof ByteBuffer) {
      return SCALAR + ((ByteBuffer) value).remaining();
    }
    if (value instanceof Struct) {
      long sum = SCALAR;
      for (Field field : ((Struct) value).schema().fields()) {
        sum += of(((Struct) value).getWithoutDefault(field.name()));
      }
      return sum;
    }
    if (value instanceof List) {
      long sum = SCALAR;
      for (Object item : (List<?>) value) {
        sum += of(item);
      }
      return sum;
    }
    return SCALAR + BOUNDS.of(value);
  }

  private static long utf8Length(String text) {
    long length = 0;
    for (int i = 0; i < text.length(); i++) {
      char character = text.charAt(i);
      if (character < 0x80) {
        length += 1;
      } else if (character < 0x800) {
        length += 2;
      } else if (Character.isSurrogate(character)) {
        length += 2;  // a pair of them is four bytes
      } else {
        length += 3;
      }
    }
    return length;
  }
}
