package datapipe.aging;

import java.time.Instant;

/**
 * What Iceberg and the maintenance program read instead of the system's clock.
 *
 * <p>It moves on by itself, too, so that whatever measures a duration finds one, but never beyond
 * the next commit.
 */
public final class SimulatedClock {
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static volatile long movedTo = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  private static volatile long movedAt = System.nanoTime();
  private static volatile long longestMillis;

  private SimulatedClock() {}

  /** The replacement of System.currentTimeMillis(). */
  public static long currentTimeMillis() {
    long passed = (System.nanoTime() - movedAt) / NANOS_PER_MILLI;
    return movedTo + Math.min(passed, longestMillis);
  }

  /** The replacement of Instant.now(). */
  public static Instant now() {
    return Instant.ofEpochMilli(currentTimeMillis());
  }

  /** The replacement of Thread.sleep(), with which Iceberg polls the threads of a commit. */
  public static void sleep(long millis) throws InterruptedException {
    Thread.sleep(Math.min(millis, 1));
  }

  /** Lets it move on by itself for so long at most. */
  static void limit(long millis) {
    longestMillis = millis;
  }

  static void moveTo(long millis) {
    movedTo = millis;
    movedAt = System.nanoTime();
  }
}
