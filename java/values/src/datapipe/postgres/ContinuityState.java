package datapipe.postgres;

import javax.management.JMException;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Whether the connector of a slot misses no change, as MBean.
 *
 * <pre>
 * datapipe:type=continuity,slot=…   continuous (1, or 0 after it was refused)
 * </pre>
 */
public final class ContinuityState implements ContinuityStateMBean {
  private volatile int continuous;

  private ContinuityState() {}

  /** Returns the state of a slot, which stays when its task has failed. */
  static synchronized ContinuityState of(String slot) {
    try {
      ContinuityState state = new ContinuityState();
      Beans.replace(new ObjectName("datapipe:type=continuity,slot=" + slot), state);
      return state;
    } catch (JMException error) {
      throw new ConnectException("cannot show the state of the slot " + slot, error);
    }
  }

  void update(boolean isContinuous) {
    continuous = isContinuous ? 1 : 0;
  }

  @Override
  public int getContinuous() {
    return continuous;
  }
}
