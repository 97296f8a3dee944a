package datapipe.postgres;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
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
  private static final MBeanServer BEANS = ManagementFactory.getPlatformMBeanServer();

  private volatile int continuous;

  private ContinuityState() {}

  /** Returns the state of a slot, which stays when its task has failed. */
  static synchronized ContinuityState of(String slot) {
    try {
      ObjectName name = new ObjectName("datapipe:type=continuity,slot=" + slot);
      // One of another class loader, or of a task before, can't be changed.
      if (BEANS.isRegistered(name)) {
        BEANS.unregisterMBean(name);
      }
      ContinuityState state = new ContinuityState();
      BEANS.registerMBean(state, name);
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
