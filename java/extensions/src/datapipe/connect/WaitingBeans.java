package datapipe.connect;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.StandardMBean;

/** The MBeans of WaitingRecords. An age grows between two measurements. */
class WaitingBeans {
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

  /** Shows a sink's interval and the oldest records of its topics, in milliseconds; null as 0. */
  void show(String sink, long interval, Map<String, Long> oldest) throws JMException {
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

  private static double age(Long timestamp) {
    return timestamp == null ? 0 : Math.max(0, System.currentTimeMillis() - timestamp) / 1000.0;
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
