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
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Finds the oldest record of each topic that waits to be archived by a sink, by its timestamp.
 *
 * <p>Such a record is not committed by the sink's consumer group, has a value and is not a dead letter.
 * Offsets alone do not tell: a transaction's end takes an offset, too, which nobody commits, and a sink
 * commits that of a dead letter or tombstone only with the next good record of the partition.
 */
class OldestRecords {
  private static final Duration POLL = Duration.ofMillis(500);
  /** For all partitions together; those that are left are looked up the next time. */
  private static final long LIMIT_NANOS = Duration.ofSeconds(20).toNanos();

  private static final class Known {
    /** From which the record was looked up, and its own, which may be higher. */
    private final long from;
    private final long offset;
    private final long timestamp;

    private Known(long from, long offset, long timestamp) {
      this.from = from;
      this.offset = offset;
      this.timestamp = timestamp;
    }
  }

  private final Consumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Known> known = new HashMap<>();
  /** The offsets behind what does not wait at the beginning of a partition's uncommitted records. */
  private final Map<TopicPartition, Long> passed = new HashMap<>();
  private final DeadLetters letters;
  private Map<TopicPartition, Long> start = Map.of();

  /** Takes a consumer that reads committed records only, one at each poll, from the earliest. */
  OldestRecords(Consumer<byte[], byte[]> consumer, String sink) {
    this.consumer = consumer;
    letters = new DeadLetters(consumer, sink);
  }

  /**
   * Returns the timestamps, in milliseconds, by topic; null for a topic without such records.
   *
   * @param committed offsets of the group; null for a partition without
   * @param deadLetterTopic that of the sink; empty: it has none
   * @param overdue the timestamp, in milliseconds, before which a record should be archived; only
   *     those are looked up among the dead letters
   */
  Map<String, Long> timestamps(
      Map<TopicPartition, OffsetAndMetadata> committed, String deadLetterTopic, long overdue) {
    Map<TopicPartition, Long> first = consumer.beginningOffsets(committed.keySet());
    Map<TopicPartition, Long> end = consumer.endOffsets(committed.keySet());
    Map<TopicPartition, Long> before = start;
    start = new HashMap<>();
    committed.forEach((partition, offset) -> start.put(
        partition, Math.max(first.get(partition), offset == null ? 0 : offset.offset())));
    passed.keySet().removeIf(
        partition -> !before.get(partition).equals(start.get(partition)));
    Map<TopicPartition, Long> from = find(end);

    Map<TopicPartition, Set<Long>> refused = refused(from.keySet(), deadLetterTopic, overdue);
    long started = System.nanoTime();
    while (pass(refused) && System.nanoTime() - started < LIMIT_NANOS) {
      from = find(end);
    }
    return oldest(committed.keySet(), from.keySet());
  }

  /** Looks up the first record of each partition that has any; returns from where. */
  private Map<TopicPartition, Long> find(Map<TopicPartition, Long> end) {
    Map<TopicPartition, Long> from = new HashMap<>();
    start.forEach((partition, offset) -> {
      long position = passed.getOrDefault(partition, offset);
      if (position < end.get(partition)) {
        from.put(partition, position);
      }
    });
    known.entrySet().removeIf(
        record -> !Long.valueOf(record.getValue().from).equals(from.get(record.getKey())));
    Set<TopicPartition> unknown = new HashSet<>(from.keySet());
    unknown.removeAll(known.keySet());
    if (!unknown.isEmpty()) {
      lookUp(unknown, from, end);
    }
    return from;
  }

  private void lookUp(
      Set<TopicPartition> unknown, Map<TopicPartition, Long> from, Map<TopicPartition, Long> end) {
    consumer.assign(unknown);
    consumer.resume(unknown);
    unknown.forEach(partition -> consumer.seek(partition, from.get(partition)));
    long started = System.nanoTime();
    while (!unknown.isEmpty() && System.nanoTime() - started < LIMIT_NANOS) {
      ConsumerRecords<byte[], byte[]> polled = consumer.poll(POLL);
      for (ConsumerRecord<byte[], byte[]> record : polled) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        if (unknown.contains(partition) && record.value() == null) {
          passed.put(partition, record.offset() + 1);
        } else if (unknown.remove(partition)) {
          known.put(partition, new Known(from.get(partition), record.offset(), record.timestamp()));
          consumer.pause(List.of(partition));
        }
      }
      // A poll has one record: with a look at each partition after each, they would be squared.
      if (polled.isEmpty()) {
        unknown.removeIf(partition -> consumer.position(partition) >= end.get(partition));
      }
    }
    consumer.unsubscribe();
  }

  /** Returns the offsets of the dead letters from the overdue records on. */
  private Map<TopicPartition, Set<Long>> refused(
      Set<TopicPartition> waiting, String deadLetterTopic, long overdue) {
    Map<TopicPartition, Long> records = new HashMap<>();
    long since = overdue;
    for (TopicPartition partition : waiting) {
      Known record = known.get(partition);
      if (record != null && record.timestamp < overdue) {
        records.put(partition, record.offset);
        since = Math.min(since, record.timestamp);
      }
    }
    return records.isEmpty() ? Map.of() : letters.offsets(deadLetterTopic, records, since);
  }

  /** Goes on behind the records that are dead letters; returns whether there were any. */
  private boolean pass(Map<TopicPartition, Set<Long>> refused) {
    boolean any = false;
    for (Map.Entry<TopicPartition, Set<Long>> one : refused.entrySet()) {
      Known record = known.get(one.getKey());
      if (record != null && one.getValue().contains(record.offset)) {
        long next = record.offset + 1;
        while (one.getValue().contains(next)) {
          next++;
        }
        passed.put(one.getKey(), next);
        any = true;
      }
    }
    return any;
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
