package datapipe.postgres;

import java.util.concurrent.TimeUnit;

/**
 * When to look again at a share that must not pass a limit: soon at first, then less often, and soon
 * again where it grows fast.
 *
 * <p>A small topic is full before a regular look; at the first one nothing was written yet.
 */
final class CheckPace {
  static final long SHORTEST = TimeUnit.MILLISECONDS.toNanos(100);
  static final long LONGEST = TimeUnit.SECONDS.toNanos(2);

  private final double limit;
  private double share;
  private long at;
  private long pause = SHORTEST / 2;

  /** `now` is System.nanoTime(), as it is of seen(). */
  CheckPace(double limit, long now) {
    this.limit = limit;
    at = now;
  }

  /** Takes note of a share below the limit. */
  void seen(double share, long now) {
    pause = Math.min(2 * pause, LONGEST);
    if (share > this.share) {
      // Half of the time in which it would reach the limit if it grew on like this.
      double left = (limit - share) / (share - this.share) * (now - at);
      pause = Math.min(pause, (long) (left / 2));
    }
    pause = Math.max(pause, SHORTEST);
    this.share = share;
    at = now;
  }

  /** Returns the nanoseconds until the next look. */
  long pause() {
    return pause;
  }
}
