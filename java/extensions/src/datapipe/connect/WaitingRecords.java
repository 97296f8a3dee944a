package datapipe.connect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.connect.health.ConnectClusterState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows for how long records wait to be archived, by sink and topic, as MBeans.
 *
 * <p>A sink's lag does not show it: records in its open files count as read. They are not committed.
 *
 * <pre>
 * datapipe.archive:type=waiting,connector=…,topic=…   OldestSeconds
 * datapipe.archive:type=interval,connector=…          Seconds in which it should archive
 * </pre>
 *
 * <p>Each worker measures the sinks that it runs.
 */
public class WaitingRecords extends PeriodicExtension {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingRecords.class);
  private static final int CHECK_SECONDS = 30;
  /** The settings of sinks that say how soon they archive, in milliseconds; the first that is there. */
  private static final List<String> INTERVALS = List.of(
      "iceberg.control.commit.interval-ms", "rotate.schedule.interval.ms", "rotate.interval.ms");
  /** The worker's settings that its clients need to reach the brokers. */
  private static final Pattern OF_CLIENTS =
      Pattern.compile("bootstrap\\.servers|security\\..*|ssl\\..*|sasl\\..*|client\\.dns\\.lookup");
  /** A batch is larger; a consumer gets one whatever these are. */
  private static final int FETCH_BYTES = 64 * 1024;

  private final Map<String, OldestRecords> oldest = new HashMap<>();
  private final WaitingBeans beans = new WaitingBeans();
  private final Map<String, Object> clients = new HashMap<>();
  private Admin admin;
  private KafkaConsumer<byte[], byte[]> consumer;

  public WaitingRecords() {
    super("waiting-records", CHECK_SECONDS);
  }

  @Override
  public void configure(Map<String, ?> worker) {
    super.configure(worker);
    worker.forEach((key, value) -> {
      if (OF_CLIENTS.matcher(key).matches()) {
        clients.put(key, value);
      }
    });
  }

  @Override
  void look(ConnectClusterState cluster) {
    Set<String> ours = new HashSet<>();
    try {
      connect();
      for (String sink : cluster.connectors()) {
        Map<String, String> config = cluster.connectorConfig(sink);
        Long interval = interval(config);
        if (interval != null && isOurs(cluster.connectorHealth(sink).connectorState())) {
          ours.add(sink);
          beans.show(sink, interval, timestamps(sink, config, interval));
        }
      }
      beans.keep(ours);
      oldest.keySet().retainAll(ours);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } catch (Exception retriedLater) { // the group rebalances, or the brokers are unavailable
      LOG.warn("could not measure how long records wait: {}", retriedLater.toString());
    }
  }

  private static Long interval(Map<String, String> config) {
    return INTERVALS.stream().map(config::get).filter(value -> value != null && !value.isEmpty())
        .findFirst().map(Long::valueOf).orElse(null);
  }

  private Map<String, Long> timestamps(String sink, Map<String, String> config, long interval)
      throws ExecutionException, InterruptedException {
    String group = config.getOrDefault("consumer.override.group.id", "connect-" + sink);
    Map<TopicPartition, OffsetAndMetadata> known =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
    for (TopicPartition partition : partitions(config)) {
      committed.put(partition, known.get(partition));
    }
    return oldest.computeIfAbsent(sink, name -> new OldestRecords(consumer, name)).timestamps(
        committed,
        config.getOrDefault("errors.deadletterqueue.topic.name", ""),
        System.currentTimeMillis() - 2 * interval);
  }

  private List<TopicPartition> partitions(Map<String, String> config) {
    String regex = config.get("topics.regex");
    Set<String> named = Set.of(config.getOrDefault("topics", "").split("\\s*,\\s*"));
    Pattern pattern = regex == null ? null : Pattern.compile(regex);
    List<TopicPartition> found = new ArrayList<>();
    for (Map.Entry<String, List<PartitionInfo>> topic : consumer.listTopics().entrySet()) {
      boolean read = pattern == null
          ? named.contains(topic.getKey())
          : pattern.matcher(topic.getKey()).matches();
      if (read) {
        topic.getValue().forEach(
            info -> found.add(new TopicPartition(info.topic(), info.partition())));
      }
    }
    return found;
  }

  private void connect() {
    if (admin == null) {
      admin = Admin.create(new HashMap<>(clients));
    }
    if (consumer == null) {
      Map<String, Object> settings = new HashMap<>(clients);
      settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
      settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
      settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
      settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
      settings.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, FETCH_BYTES);
      settings.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, FETCH_BYTES);
      consumer = new KafkaConsumer<>(
          settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
  }
}
