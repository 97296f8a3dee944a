package datapipe.connect;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Which parts have been in a state, at every look, for as long as a rebalance never takes. */
class Lasting {
  static final long LONG = Duration.ofSeconds(45).toNanos();

  private final Map<String, Long> since = new HashMap<>();

  /** Those of the present ones that were present all the time; time as System.nanoTime(). */
  Set<String> of(Set<String> present, long now) {
    since.keySet().retainAll(present);
    Set<String> lasting = new HashSet<>();
    for (String part : present) {
      if (now - since.computeIfAbsent(part, unseen -> now) >= LONG) {
        lasting.add(part);
      }
    }
    return lasting;
  }
}
