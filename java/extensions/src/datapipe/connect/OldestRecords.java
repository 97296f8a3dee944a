package datapipe.connect;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Finds the oldest record of each topic that a consumer group has not committed, by its timestamp.
 *
 * <p>Offsets alone do not tell: a transaction's end takes an offset, too, which nobody commits.
 */
class OldestRecords {
  private static final Duration POLL = Duration.ofMillis(500);
  /** For all partitions together; those that are left are looked up the next time. */
  private static final long LIMIT_NANOS = Duration.ofSeconds(20).toNanos();

  private static final class Known {
    private final long offset;
    private final long timestamp;

    private Known(long offset, long timestamp) {
      this.offset = offset;
      this.timestamp = timestamp;
    }
  }

  private final Consumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Known> known = new HashMap<>();

  /** Takes a consumer that reads committed records only, one at each poll, from the earliest. */
  OldestRecords(Consumer<byte[], byte[]> consumer) {
    this.consumer = consumer;
  }

  /**
   * Returns the timestamps, in milliseconds, by topic; null for a topic without such records.
   *
   * @param committed offsets of the group; null for a partition without
   */
  Map<String, Long> timestamps(Map<TopicPartition, OffsetAndMetadata> committed) {
    Map<TopicPartition, Long> first = consumer.beginningOffsets(committed.keySet());
    Map<TopicPartition, Long> end = consumer.endOffsets(committed.keySet());
    Map<TopicPartition, Long> from = new HashMap<>();
    committed.forEach((partition, offset) -> {
      long start = first.get(partition);
      long position = offset == null ? start : Math.max(start, offset.offset());
      if (position < end.get(partition)) {
        from.put(partition, position);
      }
    });
    known.keySet().removeIf(partition ->
        committed.containsKey(partition)
            && (!from.containsKey(partition) || from.get(partition) != known.get(partition).offset));
    Set<TopicPartition> unknown = new HashSet<>(from.keySet());
    unknown.removeAll(known.keySet());
    if (!unknown.isEmpty()) {
      lookUp(unknown, from, end);
    }
    return oldest(committed.keySet(), from.keySet());
  }

  private void lookUp(
      Set<TopicPartition> unknown, Map<TopicPartition, Long> from, Map<TopicPartition, Long> end) {
    consumer.assign(unknown);
    consumer.resume(unknown);
    unknown.forEach(partition -> consumer.seek(partition, from.get(partition)));
    long started = System.nanoTime();
    while (!unknown.isEmpty() && System.nanoTime() - started < LIMIT_NANOS) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        if (unknown.remove(partition)) {
          known.put(partition, new Known(from.get(partition), record.timestamp()));
        }
        consumer.pause(List.of(partition));
      }
      unknown.removeIf(partition -> consumer.position(partition) >= end.get(partition));
    }
    consumer.unsubscribe();
  }

  private Map<String, Long> oldest(
      Collection<TopicPartition> all, Collection<TopicPartition> waiting) {
    Map<String, Long> oldest = new HashMap<>();
    all.forEach(partition -> oldest.put(partition.topic(), null));
    for (TopicPartition partition : waiting) {
      Known record = known.get(partition);
      if (record != null) {
        oldest.merge(partition.topic(), record.timestamp, Math::min);
      }
    }
    return oldest;
  }
}
