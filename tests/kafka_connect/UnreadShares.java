package datapipe.postgres;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;

/** Asks brokers that can't be asked how far a sink is, and when to look again; prints a line each. */
public class UnreadShares {
  public interface SentMBean {}

  /** What Kafka's producers show of a topic. */
  public static class Sent extends javax.management.StandardMBean implements SentMBean {
    Sent() throws Exception {
      super(SentMBean.class);
    }

    @Override
    public Object getAttribute(String name) {
      return name.equals("byte-total") ? 1000.0 : 10.0;
    }
  }

  public static void main(String[] arguments) throws Exception {
    show("nothing is sent", Map.of("bootstrap.servers", "kafka.invalid:9092"));
    ManagementFactory.getPlatformMBeanServer().registerMBean(new Sent(), new ObjectName(
        "kafka.producer:type=producer-topic-metrics,client-id=a,topic=shop.public.users"));
    show("no name", Map.of("bootstrap.servers", "kafka-0.invalid:9092,kafka-1.invalid:9092"));
    show("no broker", Map.of("bootstrap.servers", "127.0.0.1:1"));
    show("no address", Map.of("bootstrap.servers", "kafka"));
    show("no key", Map.of("bootstrap.servers", "127.0.0.1:1", "security.protocol", "SSL",
        "ssl.keystore.location", "/no/such/key.p12", "ssl.keystore.type", "PKCS12"));
    show("wrong key", Map.of("bootstrap.servers", "127.0.0.1:1", "security.protocol", "SSL",
        "ssl.keystore.type", "PEM", "ssl.keystore.key", "no key",
        "ssl.keystore.certificate.chain", "no certificate"));
    pace("slow", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    pace("fast", 0.0, 0.2, 0.4);
    pace("emptied", 0.4, 0.1, 0.1);
  }

  private static void show(String about, Map<String, String> client) throws Exception {
    try {
      UnreadShare.Fullest found =
          new UnreadShare(Set.of("shop.public.users"), "sink", client).fullest();
      System.out.println(about + ": " + found.share + " [" + found.subject + "] " + found);
    } catch (ConnectException error) {
      System.out.println(about + ": fails: " + error.getMessage());
    }
  }

  /** Prints the milliseconds between the looks at these shares. */
  private static void pace(String about, double... shares) {
    CheckPace pace = new CheckPace(0.5, 0);
    StringBuilder line = new StringBuilder(about + ":");
    long now = 0;
    for (double share : shares) {
      now += pace.pause();
      pace.seen(share, now);
      line.append(' ').append(TimeUnit.NANOSECONDS.toMillis(pace.pause()));
    }
    System.out.println(line);
  }
}
