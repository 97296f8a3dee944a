package datapipe.connect;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;

/** An upper bound of the bytes of values, from the lengths of their texts and byte arrays. */
final class ValueBounds {
  /** The most bytes of any other value, and of the punctuation around any value. */
  private static final int SCALAR = 32;

  private final int bytesOfCharacter;
  private final double bytesOfByte;

  ValueBounds(int bytesOfCharacter, double bytesOfByte) {
    this.bytesOfCharacter = bytesOfCharacter;
    this.bytesOfByte = bytesOfByte;
  }

  long of(Object value) {
    if (value == null) {
      return 0;
    }
    if (value instanceof String) {
      return SCALAR + (long) bytesOfCharacter * ((String) value).length();
    }
    if (value instanceof byte[]) {
      return ofBytes(((byte[]) value).length);
    }
    if (value instanceof ByteBuffer) {
      return ofBytes(((ByteBuffer) value).remaining());
    }
    if (value instanceof BigDecimal) {
      return ofBytes(((BigDecimal) value).unscaledValue().bitLength() / 8 + 1);
    }
    if (value instanceof Struct) {
      return ofStruct((Struct) value);
    }
    if (value instanceof List) {
      return ofAll((List<?>) value);
    }
    if (value instanceof Map) {
      Map<?, ?> map = (Map<?, ?>) value;
      return ofAll(map.keySet()) + ofAll(map.values());
    }
    return SCALAR;
  }

  private long ofBytes(long length) {
    return SCALAR + (long) Math.ceil(bytesOfByte * length);
  }

  private long ofStruct(Struct struct) {
    long sum = SCALAR;
    for (Field field : struct.schema().fields()) {
      sum += SCALAR + (long) bytesOfCharacter * field.name().length()
          + of(struct.getWithoutDefault(field.name()));
    }
    return sum;
  }

  private long ofAll(Iterable<?> values) {
    long sum = SCALAR;
    for (Object value : values) {
      sum += SCALAR + of(value);
    }
    return sum;
  }
}
