package datapipe.connect;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/**
 * The MBeans of WaitingRecords.
 *
 * <p>An age is that of the last measurement: most records that waited then are archived soon after. It
 * grows only if the next measurements fail.
 */
class WaitingBeans {
  /** Longer than two measurements are apart. */
  private static final long STALE_MS = 75_000;

  /** The attribute of type=waiting. */
  public interface WaitingMXBean {
    double getOldestSeconds();
  }

  /** The attribute of type=interval. */
  public interface IntervalMXBean {
    double getSeconds();
  }

  private final Map<String, Set<String>> registered = new HashMap<>();
  private final Map<String, Long> timestamps = new ConcurrentHashMap<>();
  private final Map<String, Long> intervals = new ConcurrentHashMap<>();
  private volatile long measured;

  /** Shows a sink's interval and the oldest records of its topics, in milliseconds; null as 0. */
  void show(String sink, long interval, Map<String, Long> oldest) throws JMException {
    measured = System.currentTimeMillis();
    Set<String> names = registered.computeIfAbsent(sink, unknown -> ConcurrentHashMap.newKeySet());
    String name = "type=interval,connector=" + sink;
    intervals.put(name, interval);
    if (names.add(name)) {
      register(name, IntervalMXBean.class, () -> intervals.get(name) / 1000.0);
    }
    String prefix = "type=waiting,connector=" + sink + ",topic=";
    for (String known : Set.copyOf(names)) {
      if (known.startsWith(prefix)) {
        timestamps.remove(known);
        if (!oldest.containsKey(known.substring(prefix.length()))) {
          names.remove(known);
          unregister(known);
        }
      }
    }
    for (Map.Entry<String, Long> topic : oldest.entrySet()) {
      String waiting = prefix + topic.getKey();
      if (topic.getValue() != null) {
        timestamps.put(waiting, topic.getValue());
      }
      if (names.add(waiting)) {
        register(waiting, WaitingMXBean.class, () -> age(timestamps.get(waiting)));
      }
    }
  }

  /** Removes the MBeans of all sinks but these. */
  void keep(Set<String> sinks) throws JMException {
    for (String sink : Set.copyOf(registered.keySet())) {
      if (!sinks.contains(sink)) {
        for (String name : registered.remove(sink)) {
          unregister(name);
        }
      }
    }
  }

  private double age(Long timestamp) {
    if (timestamp == null) {
      return 0;
    }
    long now = System.currentTimeMillis();
    return Math.max(0, (now - measured < STALE_MS ? measured : now) - timestamp) / 1000.0;
  }

  private static <T> void register(String name, Class<T> type, T bean) throws JMException {
    ManagementFactory.getPlatformMBeanServer()
        .registerMBean(new StandardMBean(bean, type, true), named(name));
  }

  private static void unregister(String name) throws JMException {
    ManagementFactory.getPlatformMBeanServer().unregisterMBean(named(name));
  }

  private static ObjectName named(String name) throws JMException {
    return new ObjectName("datapipe.archive:" + name);
  }
}
