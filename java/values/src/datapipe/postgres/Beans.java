package datapipe.postgres;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/** The MBeans of this plugin. */
final class Beans {
  private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();

  private Beans() {}

  /**
   * Registers an MBean. One of that name may be left of a task that did not end in order, or of
   * another class loader, and can't be changed.
   */
  static void replace(ObjectName name, Object bean) throws JMException {
    remove(name);
    SERVER.registerMBean(bean, name);
  }

  static void remove(ObjectName name) throws JMException {
    if (SERVER.isRegistered(name)) {
      SERVER.unregisterMBean(name);
    }
  }
}
