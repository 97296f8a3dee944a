package datapipe.connect;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** Prints the oldest record that waits in each topic, where some are dead letters. */
public class RefusedOffsets {
  private static final TopicPartition ORDERS = new TopicPartition("orders", 0);
  private static final TopicPartition USERS = new TopicPartition("users", 0);
  private static final TopicPartition LETTERS = new TopicPartition("letters", 0);
  private static final int OVERDUE = 5000;
  private static final Log LOG = new Log();

  private static OldestRecords oldest = new OldestRecords(LOG, "sink");
  private static final Map<TopicPartition, OffsetAndMetadata> COMMITTED = new HashMap<>();

  public static void main(String[] arguments) {
    LOG.updatePartitions("letters", List.of(new PartitionInfo("letters", 0, null, null, null)));
    LOG.write(ORDERS, 7, 3000);
    LOG.write(ORDERS, 8, 3100);
    LOG.write(USERS, 1, 4000);
    LOG.write(USERS, 2, 9000);
    COMMITTED.put(ORDERS, new OffsetAndMetadata(6)); // 6 is a transaction's end
    COMMITTED.put(USERS, new OffsetAndMetadata(1));
    LOG.letter("another", "orders", 7);
    LOG.headers(new RecordHeaders());
    print("of another sink");
    LOG.letter("sink", "orders", 7);
    print("the first");
    LOG.letter("sink", "orders", 8);
    LOG.letter("sink", "users", 2);
    print("all of orders");
    LOG.write(ORDERS, 10, 3300); // behind the end of another transaction
    print("one more");
    LOG.letter("sink", "orders", 10);
    print("that, too");
    LOG.letter("sink", "users", 1);
    print("one that is due, and one that is not");
    LOG.tombstone(ORDERS, 11, 3400);
    LOG.tombstone(ORDERS, 12, 3500);
    print("tombstones");
    LOG.write(ORDERS, 13, 3600);
    print("a record behind them");
    LOG.letter("sink", "orders", 13);
    print("which is refused");
    LOG.records.removeIf(record -> record.topic().equals("letters"));
    print("the letters are deleted");
    COMMITTED.put(ORDERS, new OffsetAndMetadata(0));
    LOG.write(ORDERS, 0, 100);
    print("set back to the beginning");
    LOG.reads = 0;
    print("nothing new");
    System.out.println("reads of the letters: " + LOG.reads);
    System.out.println("without a topic: " + new TreeMap<>(
        new OldestRecords(LOG, "sink").timestamps(COMMITTED, "", OVERDUE)));
  }

  private static void print(String when) {
    System.out.println(when + ": " + new TreeMap<>(
        oldest.timestamps(COMMITTED, "letters", OVERDUE)));
  }

  /** Partitions whose records can be read again after a seek. */
  private static final class Log extends MockConsumer<byte[], byte[]> {
    private final List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    private int reads;

    private Log() {
      super(OffsetResetStrategy.EARLIEST);
      updateBeginningOffsets(Map.of(ORDERS, 0L, USERS, 0L, LETTERS, 0L));
      updateEndOffsets(Map.of(ORDERS, 0L, USERS, 0L, LETTERS, 0L));
    }

    private void write(TopicPartition partition, long offset, long timestamp) {
      add(partition, offset, timestamp, new byte[1], new RecordHeaders());
    }

    private void tombstone(TopicPartition partition, long offset, long timestamp) {
      add(partition, offset, timestamp, null, new RecordHeaders());
    }

    private void letter(String sink, String topic, long offset) {
      RecordHeaders headers = new RecordHeaders();
      Map.of("connector.name", sink, "topic", topic, "partition", "0", "offset", "" + offset)
          .forEach((name, value) -> headers.add(
              "__connect.errors." + name, value.getBytes(StandardCharsets.UTF_8)));
      headers(headers);
    }

    private void headers(RecordHeaders headers) {
      add(LETTERS, endOffsets(List.of(LETTERS)).get(LETTERS), 6000, new byte[1], headers);
    }

    private void add(TopicPartition partition, long offset, long timestamp, byte[] value,
        RecordHeaders headers) {
      records.add(new ConsumerRecord<>(partition.topic(), partition.partition(), offset, timestamp,
          TimestampType.CREATE_TIME, 0, 0, null, value, headers, Optional.empty()));
      records.sort((one, other) -> Long.compare(one.offset(), other.offset()));
      long end = Math.max(offset + 1, endOffsets(List.of(partition)).get(partition));
      updateEndOffsets(Map.of(partition, end));
    }

    @Override
    public synchronized Map<TopicPartition, OffsetAndTimestamp> offsetsForTimes(
        Map<TopicPartition, Long> times) {
      reads++;
      Map<TopicPartition, OffsetAndTimestamp> found = new HashMap<>();
      times.forEach((partition, time) -> found.put(partition, records.stream()
          .filter(record -> record.topic().equals(partition.topic()) && record.timestamp() >= time)
          .findFirst().map(record -> new OffsetAndTimestamp(record.offset(), record.timestamp()))
          .orElse(null)));
      return found;
    }

    @Override
    public synchronized void seek(TopicPartition partition, long offset) {
      super.seek(partition, offset);
      records.stream()
          .filter(record -> record.topic().equals(partition.topic()) && record.offset() >= offset)
          .forEach(this::addRecord);
    }
  }
}
