package datapipe.maintenance;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.relocated.com.google.common.hash.HashCode;
import org.apache.iceberg.relocated.com.google.common.hash.HashFunction;
import org.apache.iceberg.relocated.com.google.common.hash.Hasher;
import org.apache.iceberg.relocated.com.google.common.hash.Hashing;

/**
 * The number of rows and the sum of their hashes, by which two lists of rows are compared in
 * whatever order they are.
 *
 * <p>Values of different types never count as equal, nor do 0.0 and -0.0, or 1.0 and 1.00.
 */
final class RowDigest {
  private static final HashFunction HASH = Hashing.murmur3_128();

  private long rows;
  private long low;
  private long high;

  void add(StructLike row) {
    ByteBuffer hash = ByteBuffer.wrap(hash(row).asBytes());
    rows++;
    low += hash.getLong();
    high += hash.getLong();
  }

  long rows() {
    return rows;
  }

  boolean equalsIn(RowDigest other) {
    return rows == other.rows && low == other.low && high == other.high;
  }

  private static HashCode hash(Object value) {
    Hasher hasher = HASH.newHasher();
    put(hasher, value);
    return hasher.hash();
  }

  private static void put(Hasher hasher, Object value) {
    if (value == null) {
      hasher.putByte((byte) 0);
      return;
    }
    if (value instanceof StructLike) {
      StructLike struct = (StructLike) value;
      hasher.putByte((byte) 1).putInt(struct.size());
      for (int i = 0; i < struct.size(); i++) {
        put(hasher, struct.get(i, Object.class));
      }
    } else if (value instanceof List) {
      List<?> list = (List<?>) value;
      hasher.putByte((byte) 2).putInt(list.size());
      list.forEach(element -> put(hasher, element));
    } else if (value instanceof Map) {
      Map<?, ?> map = (Map<?, ?>) value;
      // A map's entries have no order.
      long sum = 0;
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        Hasher pair = HASH.newHasher();
        put(pair, entry.getKey());
        put(pair, entry.getValue());
        sum += pair.hash().asLong();
      }
      hasher.putByte((byte) 3).putInt(map.size()).putLong(sum);
    } else if (value instanceof Integer) {
      hasher.putByte((byte) 4).putInt((Integer) value);
    } else if (value instanceof Long) {
      hasher.putByte((byte) 5).putLong((Long) value);
    } else if (value instanceof Float) {
      hasher.putByte((byte) 6).putInt(Float.floatToRawIntBits((Float) value));
    } else if (value instanceof Double) {
      hasher.putByte((byte) 7).putLong(Double.doubleToRawLongBits((Double) value));
    } else if (value instanceof ByteBuffer) {
      ByteBuffer bytes = ((ByteBuffer) value).duplicate();
      hasher.putByte((byte) 8).putInt(bytes.remaining()).putBytes(bytes);
    } else if (value instanceof byte[]) {
      hasher.putByte((byte) 9).putInt(((byte[]) value).length).putBytes((byte[]) value);
    } else if (value instanceof BigDecimal) {
      BigDecimal number = (BigDecimal) value;
      hasher.putByte((byte) 10).putInt(number.scale());
      put(hasher, number.unscaledValue().toByteArray());
    } else {
      // Texts, booleans, UUIDs, dates and times, whose texts are exact.
      byte[] text = value.toString().getBytes(StandardCharsets.UTF_8);
      hasher.putByte((byte) 11).putUnencodedChars(value.getClass().getName());
      hasher.putInt(text.length).putBytes(text);
    }
  }
}
