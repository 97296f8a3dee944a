package datapipe.postgres;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * How much of what the partitions of a source's topics keep a sink has yet to read.
 *
 * <p>Bytes are those that this worker's producers have sent per record on average, compressed.
 */
class UnreadShare {
  private static final String SENT = "kafka.producer:type=producer-topic-metrics,*";
  private static final int REQUEST_MS = 10_000;
  private static final int ANSWER_MS = 20_000;
  /** What Kafka's client says when no name of bootstrap.servers has an address (yet). */
  private static final String UNRESOLVED = "No resolvable bootstrap urls";

  /** The partition of which most is unread. */
  static final class Fullest {
    final double share;
    /** What it is about; it stays the same while only the figures change. */
    final String subject;
    private final String reason;

    Fullest(double share, String subject, String reason) {
      this.share = share;
      this.subject = subject;
      this.reason = reason;
    }

    @Override
    public String toString() {
      return reason;
    }
  }

  private final Set<String> topics;
  private final String group;
  private final Map<String, Object> client;

  UnreadShare(Set<String> topics, String group, Map<String, String> client) {
    this.topics = topics;
    this.group = group;
    this.client = new HashMap<>(client);
    this.client.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_MS);
    this.client.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, ANSWER_MS);
  }

  /**
   * Asks the brokers.
   *
   * <p>The client lives for one answer: nothing says when the reading ends.
   */
  Fullest fullest() throws InterruptedException {
    Map<String, Double> recordBytes = recordBytes();
    if (recordBytes.isEmpty()) {
      return new Fullest(0, "", "nothing was written");
    }
    try (Admin admin = Admin.create(client)) {
      return fullest(admin, recordBytes);
    } catch (ExecutionException error) {
      return silent(error.getCause(), error.getCause() instanceof RetriableException);
    } catch (KafkaException error) { // of a client that could not be made
      return silent(error, isUnresolved(error));
    }
  }

  /** Returns that the brokers don't answer, for which reading waits; another error fails the task. */
  private static Fullest silent(Throwable error, boolean passes) {
    if (!passes) {
      throw new ConnectException("can't ask how far the sink is behind", error);
    }
    Throwable cause = error.getCause() == null ? error : error.getCause();
    return new Fullest(1, String.valueOf(cause.getMessage()),
        "the brokers do not say how far the sink is: " + cause);
  }

  private static boolean isUnresolved(KafkaException error) {
    return error.getCause() instanceof ConfigException
        && String.valueOf(error.getCause().getMessage()).startsWith(UNRESOLVED);
  }

  private Fullest fullest(Admin admin, Map<String, Double> recordBytes)
      throws ExecutionException, InterruptedException {
    Map<String, Long> kept = keptBytes(admin, recordBytes.keySet());
    List<TopicPartition> partitions = partitions(admin, kept.keySet());
    Map<TopicPartition, Long> ends = offsets(admin, partitions, OffsetSpec.latest());
    Map<TopicPartition, Long> begins = offsets(admin, partitions, OffsetSpec.earliest());
    Fullest fullest = new Fullest(0, "", "nothing is unread");
    Map<TopicPartition, OffsetAndMetadata> read =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    for (TopicPartition partition : partitions) {
      OffsetAndMetadata next = read.get(partition);
      long unread = ends.get(partition) - (next == null ? begins.get(partition) : next.offset());
      double share = unread * recordBytes.get(partition.topic()) / kept.get(partition.topic());
      if (share > fullest.share) {
        fullest = new Fullest(share, partition.toString(), String.format("%s has yet to read %,d records of %s, %.0f %%"
            + " of what it keeps", group, unread, partition, 100 * share));
      }
    }
    return fullest;
  }

  /** Returns the limit of a partition of each topic that has one. */
  private static Map<String, Long> keptBytes(Admin admin, Collection<String> topics)
      throws ExecutionException, InterruptedException {
    List<ConfigResource> resources = topics.stream()
        .map(topic -> new ConfigResource(ConfigResource.Type.TOPIC, topic))
        .collect(Collectors.toList());
    Map<String, Long> kept = new HashMap<>();
    for (Map.Entry<ConfigResource, Config> one :
        admin.describeConfigs(resources).all().get().entrySet()) {
      long bytes =
          Long.parseLong(one.getValue().get(TopicConfig.RETENTION_BYTES_CONFIG).value());
      if (bytes > 0) {
        kept.put(one.getKey().name(), bytes);
      }
    }
    return kept;
  }

  private static List<TopicPartition> partitions(Admin admin, Collection<String> topics)
      throws ExecutionException, InterruptedException {
    List<TopicPartition> found = new ArrayList<>();
    admin.describeTopics(topics).allTopicNames().get().forEach((topic, description) ->
        description.partitions().forEach(
            partition -> found.add(new TopicPartition(topic, partition.partition()))));
    return found;
  }

  private static Map<TopicPartition, Long> offsets(
      Admin admin, Collection<TopicPartition> partitions, OffsetSpec which)
      throws ExecutionException, InterruptedException {
    Map<TopicPartition, OffsetSpec> asked =
        partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> which));
    Map<TopicPartition, Long> found = new HashMap<>();
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> one :
        admin.listOffsets(asked).all().get().entrySet()) {
      found.put(one.getKey(), one.getValue().offset());
    }
    return found;
  }

  /** Returns the mean size of a record of each of the source's topics to which some were sent. */
  private Map<String, Double> recordBytes() {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    Map<String, double[]> sent = new HashMap<>();
    try {
      for (ObjectName name : beans.queryNames(new ObjectName(SENT), null)) {
        String topic = name.getKeyProperty("topic");
        if (topic.startsWith("\"")) {
          topic = ObjectName.unquote(topic);
        }
        if (topics.contains(topic)) {
          double[] sums = sent.computeIfAbsent(topic, any -> new double[2]);
          sums[0] += (Double) beans.getAttribute(name, "byte-total");
          sums[1] += (Double) beans.getAttribute(name, "record-send-total");
        }
      }
    } catch (JMException error) {
      throw new ConnectException("can't read how much the producers have sent", error);
    }
    Map<String, Double> mean = new HashMap<>();
    sent.forEach((topic, sums) -> {
      if (sums[1] > 0) {
        mean.put(topic, sums[0] / sums[1]);
      }
    });
    return mean;
  }
}
