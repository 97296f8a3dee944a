package datapipe.connect;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/**
 * Finds which records of a sink's topics are in its dead letter topic, by the headers that Kafka
 * Connect adds there.
 */
class DeadLetters {
  private static final Duration POLL = Duration.ofMillis(500);
  /** What is not read by then is looked up the next time. */
  private static final long LIMIT_NANOS = Duration.ofSeconds(20).toNanos();
  /** By which the clocks of a record's and its letter's writers may differ. */
  private static final long SKEW_MS = Duration.ofMinutes(5).toMillis();
  private static final String HEADER = "__connect.errors.";

  private final Consumer<byte[], byte[]> consumer;
  private final String sink;
  private Map<TopicPartition, Long> asked = Map.of();
  private Map<TopicPartition, Long> read = Map.of();

  /** Takes a consumer as OldestRecords does. */
  DeadLetters(Consumer<byte[], byte[]> consumer, String sink) {
    this.consumer = consumer;
    this.sink = sink;
  }

  /**
   * Returns the offsets of dead letters by partition, none before the offsets that are asked for.
   *
   * <p>The size of the dead letter topic bounds them. The answer is empty if none of the records was
   * there the last time, and nothing has changed since.
   *
   * @param topic the sink's dead letter topic; empty: it has none
   * @param records the partitions, and the offset of the first record that is asked for in each
   * @param since the timestamp, in milliseconds, of the oldest record that is asked for
   */
  Map<TopicPartition, Set<Long>> offsets(
      String topic, Map<TopicPartition, Long> records, long since) {
    List<TopicPartition> partitions = topic.isEmpty() ? List.of() : partitions(topic);
    Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
    if (partitions.isEmpty() || (records.equals(asked) && end.equals(read))) {
      return Map.of();
    }
    Map<TopicPartition, Set<Long>> found = new HashMap<>();
    boolean complete = read(start(partitions, since - SKEW_MS), end, records, found);
    boolean none = records.entrySet().stream().noneMatch(record ->
        found.getOrDefault(record.getKey(), Set.of()).contains(record.getValue()));
    asked = complete && none ? Map.copyOf(records) : Map.of();
    read = end;
    return found;
  }

  private List<TopicPartition> partitions(String topic) {
    return consumer.partitionsFor(topic).stream()
        .map(info -> new TopicPartition(info.topic(), info.partition()))
        .collect(Collectors.toList());
  }

  /** Returns where the letters since a moment begin, without the partitions that have none. */
  private Map<TopicPartition, Long> start(List<TopicPartition> partitions, long since) {
    Map<TopicPartition, Long> times =
        partitions.stream().collect(Collectors.toMap(each -> each, each -> since));
    Map<TopicPartition, Long> start = new HashMap<>();
    for (Map.Entry<TopicPartition, OffsetAndTimestamp> one
        : consumer.offsetsForTimes(times).entrySet()) {
      if (one.getValue() != null) {
        start.put(one.getKey(), one.getValue().offset());
      }
    }
    return start;
  }

  private boolean read(
      Map<TopicPartition, Long> start,
      Map<TopicPartition, Long> end,
      Map<TopicPartition, Long> records,
      Map<TopicPartition, Set<Long>> found) {
    Set<TopicPartition> unread = new HashSet<>(start.keySet());
    consumer.assign(unread);
    consumer.resume(unread);
    start.forEach(consumer::seek);
    long started = System.nanoTime();
    while (!unread.isEmpty() && System.nanoTime() - started < LIMIT_NANOS) {
      for (ConsumerRecord<byte[], byte[]> letter : consumer.poll(POLL)) {
        if (sink.equals(header(letter, "connector.name"))) { // others may have the same topic
          TopicPartition partition = new TopicPartition(
              header(letter, "topic"), Integer.parseInt(header(letter, "partition")));
          long offset = Long.parseLong(header(letter, "offset"));
          if (offset >= records.getOrDefault(partition, Long.MAX_VALUE)) {
            found.computeIfAbsent(partition, unknown -> new HashSet<>()).add(offset);
          }
        }
      }
      unread.removeIf(partition -> consumer.position(partition) >= end.get(partition));
    }
    consumer.unsubscribe();
    return unread.isEmpty();
  }

  private static String header(ConsumerRecord<byte[], byte[]> letter, String name) {
    Header header = letter.headers().lastHeader(HEADER + name);
    return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
  }
}
