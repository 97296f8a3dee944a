package datapipe.postgres;

import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Whether the connector of a slot misses no change, as MBean.
 *
 * <pre>
 * datapipe:type=continuity,slot=…   continuous (1, or 0 after it was refused, or NaN)
 * </pre>
 *
 * <p>A task that was refused is restarted every minute, on this worker or, where there are several, on
 * another. NaN is the answer of a worker that it has left: it does not know.
 */
public final class ContinuityState implements ContinuityStateMBean {
  private static final long FORGET_NANOS = TimeUnit.MINUTES.toNanos(5);

  private final long startedAt;
  private volatile boolean continuous;

  private ContinuityState(long now) {
    startedAt = now;
  }

  /** Returns the state of a slot at the start of a task; it stays when the task has failed. */
  static synchronized ContinuityState of(String slot) {
    try {
      ContinuityState state = new ContinuityState(System.nanoTime());
      Beans.replace(new ObjectName("datapipe:type=continuity,slot=" + slot), state);
      return state;
    } catch (JMException error) {
      throw new ConnectException("cannot show the state of the slot " + slot, error);
    }
  }

  void update(boolean isContinuous) {
    continuous = isContinuous;
  }

  @Override
  public double getContinuous() {
    return continuousAt(System.nanoTime());
  }

  double continuousAt(long now) {
    if (continuous) {
      return 1;
    }
    return now - startedAt > FORGET_NANOS ? Double.NaN : 0;
  }
}
