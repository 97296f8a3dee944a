package datapipe.maintenance;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.iceberg.relocated.com.google.common.hash.Hashing;

/**
 * A set of locations in 8 bytes each.
 *
 * <p>Two locations can have the same hash; then one that is not in the set counts as in it.
 */
final class LocationHashes {
  private long[] hashes = new long[1024];
  private int size;
  private boolean isSorted = true;

  void add(String location) {
    if (size == hashes.length) {
      hashes = Arrays.copyOf(hashes, 2 * size);
    }
    hashes[size++] = hash(location);
    isSorted = false;
  }

  boolean mayContain(String location) {
    if (!isSorted) {
      Arrays.sort(hashes, 0, size);
      isSorted = true;
    }
    return Arrays.binarySearch(hashes, 0, size, hash(location)) >= 0;
  }

  private static long hash(String location) {
    return Hashing.murmur3_128().hashString(location, StandardCharsets.UTF_8).asLong();
  }
}
