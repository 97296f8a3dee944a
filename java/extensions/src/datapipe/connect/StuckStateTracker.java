package datapipe.connect;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Finds the parts that stay in a state for longer than a rebalance takes. */
class StuckStateTracker {
  /** Longer than any rebalance. */
  static final long LIMIT = Duration.ofSeconds(45).toNanos();

  private final Map<String, Long> since = new HashMap<>();

  /**
   * Returns the parts that have been in the state at every call for at least LIMIT.
   *
   * @param parts all parts that are in the state now
   * @param now the time as System.nanoTime()
   */
  Set<String> stuck(Set<String> parts, long now) {
    since.keySet().retainAll(parts);
    Set<String> stuck = new HashSet<>();
    for (String part : parts) {
      if (now - since.computeIfAbsent(part, unseen -> now) >= LIMIT) {
        stuck.add(part);
      }
    }
    return stuck;
  }
}
