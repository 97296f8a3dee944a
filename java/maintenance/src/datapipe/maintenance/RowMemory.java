package datapipe.maintenance;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import org.apache.iceberg.StructLike;

/** How much of the heap rows take, roughly and rather too much than too little. */
final class RowMemory {
  // An object with its header and a reference to it.
  private static final long OBJECT = 40;
  private static final long BYTES_PER_CHARACTER = 2;

  private RowMemory() {}

  static long of(Object value) {
    if (value instanceof StructLike) {
      StructLike struct = (StructLike) value;
      long sum = OBJECT;
      for (int i = 0; i < struct.size(); i++) {
        sum += of(struct.get(i, Object.class));
      }
      return sum;
    }
    if (value instanceof CharSequence) {
      return OBJECT + BYTES_PER_CHARACTER * ((CharSequence) value).length();
    }
    if (value instanceof ByteBuffer) {
      return OBJECT + ((ByteBuffer) value).capacity();
    }
    if (value instanceof Collection) {
      return OBJECT + ((Collection<?>) value).stream().mapToLong(RowMemory::of).sum();
    }
    if (value instanceof Map) {
      return ((Map<?, ?>) value)
          .entrySet().stream()
              .mapToLong(entry -> OBJECT + of(entry.getKey()) + of(entry.getValue()))
              .sum();
    }
    return OBJECT;
  }
}
