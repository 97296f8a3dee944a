package datapipe.aging;

import java.time.Instant;

/**
 * What Iceberg and the maintenance program read instead of the system's clock.
 *
 * <p>It moves on by itself, too, so that whatever measures a duration finds one.
 */
public final class SimulatedClock {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static volatile long offset = START.toEpochMilli() - System.currentTimeMillis();

  private SimulatedClock() {}

  /** The replacement of System.currentTimeMillis(). */
  public static long currentTimeMillis() {
    // Launcher redirects this call everywhere but here.
    return System.currentTimeMillis() + offset;
  }

  /** The replacement of Instant.now(). */
  public static Instant now() {
    return Instant.ofEpochMilli(currentTimeMillis());
  }

  /** The replacement of Thread.sleep(), with which Iceberg polls the threads of a commit. */
  public static void sleep(long millis) throws InterruptedException {
    Thread.sleep(Math.min(millis, 1));
  }

  static void moveTo(long millis) {
    offset = millis - System.currentTimeMillis();
  }
}
