package datapipe.connect;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Decides when a failed part is restarted: 15 s after it failed, 30 s later, then every minute. */
class Backoff {
  static final long FIRST = Duration.ofSeconds(15).toNanos();
  /** A minute: a restart is cheap, and a part recovers this soon after its dependencies do. */
  static final long LONGEST = Duration.ofMinutes(1).toNanos();

  /** A part that has not failed for this long has recovered; its next delay is FIRST. */
  static final long FORGET = Duration.ofMinutes(10).toNanos();

  private static final class Attempts {
    private long delay = FIRST;
    private long dueAt;
    private long lastSeen;
  }

  private final Map<String, Attempts> known = new HashMap<>();

  /** Returns the failed parts to restart now; `now` is the time as System.nanoTime(). */
  List<String> due(Set<String> failed, long now) {
    known.values().removeIf(attempts -> now - attempts.lastSeen > FORGET);
    List<String> due = new ArrayList<>();
    for (String part : failed) {
      Attempts attempts = known.get(part);
      if (attempts == null) {
        attempts = new Attempts();
        attempts.dueAt = now + FIRST;
        known.put(part, attempts);
      }
      attempts.lastSeen = now;
      if (now - attempts.dueAt >= 0) {
        due.add(part);
        attempts.delay = Math.min(2 * attempts.delay, LONGEST);
        attempts.dueAt = now + attempts.delay;
      }
    }
    return due;
  }
}
