package datapipe.connect;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the converters of this worker have seen of Schema Registry, as MBeans for the metrics. */
final class RegistryState {
  private static final Logger LOG = LoggerFactory.getLogger(RegistryState.class);

  /** The attributes of datapipe.registry:type=lookups. */
  public interface LookupsMXBean {
    /** Seconds since the first of the lookups that fail; 0 while they succeed. */
    double getUnavailableSeconds();

    /** Lookups that failed because the registry was unavailable. */
    long getFailed();
  }

  /** The attribute of datapipe.registry:type=refused,subject=NAME. */
  public interface RefusedMXBean {
    int getRefused();
  }

  /** A task that fails is restarted and tries again sooner; after this it is gone, or on another worker. */
  private static final long FORGET_NANOS = TimeUnit.MINUTES.toNanos(5);

  static final RegistryState OF_WORKER = new RegistryState();

  /** When each subject's schema was refused last. */
  private final Map<String, Long> refused = new HashMap<>();
  private boolean unavailable;
  private long since;
  private long last;
  private long failed;

  private RegistryState() {
    register("type=lookups", LookupsMXBean.class, new LookupsMXBean() {
      @Override
      public double getUnavailableSeconds() {
        return unavailableSeconds();
      }

      @Override
      public long getFailed() {
        return failed();
      }
    });
  }

  synchronized void failed(long now) {
    failed++;
    if (!unavailable || now - last > FORGET_NANOS) {
      unavailable = true;
      since = now;
    }
    last = now;
  }

  synchronized void answered() {
    unavailable = false;
  }

  synchronized void refused(String subject, long now) {
    if (refused.put(subject, now) == null) {
      register("type=refused,subject=" + subject, RefusedMXBean.class,
          () -> refusedAt(subject, System.nanoTime()));
    }
  }

  synchronized int refusedAt(String subject, long now) {
    Long refusal = refused.get(subject);
    return refusal == null || now - refusal > FORGET_NANOS ? 0 : 1;
  }

  synchronized void accepted(String subject) {
    if (!refused.isEmpty() && refused.remove(subject) != null) {
      unregister("type=refused,subject=" + subject);
    }
  }

  private synchronized double unavailableSeconds() {
    long now = System.nanoTime();
    if (!unavailable || now - last > FORGET_NANOS) {
      return 0;
    }
    return TimeUnit.NANOSECONDS.toMillis(now - since) / 1000.0;
  }

  private synchronized long failed() {
    return failed;
  }

  private static <T> void register(String name, Class<T> type, T bean) {
    try {
      MBeanServer server = ManagementFactory.getPlatformMBeanServer();
      server.registerMBean(new StandardMBean(bean, type, true), named(name));
    } catch (JMException error) {
      LOG.warn("no metrics of Schema Registry: {}", error.toString());
    }
  }

  private static void unregister(String name) {
    try {
      ManagementFactory.getPlatformMBeanServer().unregisterMBean(named(name));
    } catch (JMException error) {
      LOG.warn("a metric of Schema Registry stays: {}", error.toString());
    }
  }

  private static ObjectName named(String name) throws JMException {
    return new ObjectName("datapipe.registry:" + name);
  }
}
