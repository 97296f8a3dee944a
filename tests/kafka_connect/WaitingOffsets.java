package datapipe.connect;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** Prints the oldest record that waits in each topic, and the MBeans that show it. */
public class WaitingOffsets {
  private static final TopicPartition ORDERS = new TopicPartition("orders", 0);
  private static final TopicPartition MORE_ORDERS = new TopicPartition("orders", 1);
  private static final TopicPartition USERS = new TopicPartition("users", 0);
  private static final TopicPartition NEW = new TopicPartition("new", 0);
  private static final MockConsumer<byte[], byte[]> CONSUMER =
      new MockConsumer<>(OffsetResetStrategy.EARLIEST);

  public static void main(String[] arguments) throws Exception {
    OldestRecords oldest = new OldestRecords(CONSUMER, "sink");
    CONSUMER.updateBeginningOffsets(Map.of(ORDERS, 0L, MORE_ORDERS, 0L, USERS, 0L, NEW, 4L));
    CONSUMER.updateEndOffsets(Map.of(ORDERS, 9L, MORE_ORDERS, 9L, USERS, 6L, NEW, 6L));

    Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
    committed.put(ORDERS, new OffsetAndMetadata(7));
    committed.put(MORE_ORDERS, new OffsetAndMetadata(8));
    committed.put(USERS, new OffsetAndMetadata(6));
    committed.put(NEW, null);
    later(record(ORDERS, 7, 3000), record(MORE_ORDERS, 8, 2000), record(NEW, 4, 1000));
    System.out.println(new java.util.TreeMap<>(oldest.timestamps(committed, "", 0)));

    committed.put(MORE_ORDERS, new OffsetAndMetadata(9));
    committed.put(NEW, new OffsetAndMetadata(6));
    System.out.println(new java.util.TreeMap<>(oldest.timestamps(committed, "", 0)));

    WaitingBeans beans = new WaitingBeans();
    Map<String, Long> shown = new HashMap<>();
    shown.put("orders", System.currentTimeMillis() - 130_000);
    shown.put("users", null);
    beans.show("sink", 60_000, shown);
    Thread.sleep(1100);
    ages();
    print();
    shown.put("orders", null);
    shown.remove("users");
    beans.show("sink", 20_000, shown);
    print();
    beans.keep(Set.of());
    print();
  }

  @SafeVarargs
  private static void later(ConsumerRecord<byte[], byte[]>... records) {
    CONSUMER.schedulePollTask(() -> List.of(records).forEach(CONSUMER::addRecord));
  }

  private static ConsumerRecord<byte[], byte[]> record(
      TopicPartition partition, long offset, long timestamp) {
    return new ConsumerRecord<>(partition.topic(), partition.partition(), offset, timestamp,
        TimestampType.CREATE_TIME, 0, 0, null, new byte[1], new RecordHeaders(),
        java.util.Optional.empty());
  }

  /** Prints whether an age is that of the measurement, a second ago. */
  private static void ages() throws Exception {
    Object age = ManagementFactory.getPlatformMBeanServer().getAttribute(
        new ObjectName("datapipe.archive:type=waiting,connector=sink,topic=orders"), "OldestSeconds");
    System.out.println("age stays: " + ((Double) age < 131));
  }

  private static void print() throws Exception {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    StringBuilder line = new StringBuilder("beans:");
    for (ObjectName name : new java.util.TreeSet<>(
        server.queryNames(new ObjectName("datapipe.archive:*"), null))) {
      for (String attribute : List.of("Seconds", "OldestSeconds")) {
        boolean has = List.of(server.getMBeanInfo(name).getAttributes()).stream()
            .anyMatch(each -> each.getName().equals(attribute));
        if (has) {
          line.append(' ').append(name.getKeyPropertyListString()).append(' ')
              .append(((Double) server.getAttribute(name, attribute)).longValue() / 10 * 10);
        }
      }
    }
    System.out.println(line);
  }
}
