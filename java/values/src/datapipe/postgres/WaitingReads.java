package datapipe.postgres;

import io.debezium.config.CommonConnectorConfig;
import io.debezium.connector.postgresql.PostgresSourceInfoStructMaker;
import io.debezium.connector.postgresql.SourceInfo;
import io.debezium.relational.RelationalDatabaseConnectorConfig;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the reading of existing rows wait while the archive's sink is far behind, so that no record
 * expires before it is archived.
 *
 * <p>Topics are bounded, and Kafka deletes their oldest records whether a sink has read them or not.
 * A snapshot writes as fast as it can: without this, a sink that is slower, or stopped, would miss
 * rows. Changes do not wait.
 *
 * <p>It makes the records' `source`, because that is called for each row in the thread that reads
 * the rows. While that thread waits, the task goes on with its heartbeats and transactions.
 */
public class WaitingReads extends PostgresSourceInfoStructMaker {
  /** The consumer group of the archive's sink. */
  static final String GROUP = "reads.wait.for";
  /** What the properties of a client of the brokers begin with. */
  static final String CLIENT = "reads.wait.client.";
  /** The share of a partition's limit that the sink may have left to read. */
  static final double MOST_UNREAD = 0.5;

  private static final Logger LOG = LoggerFactory.getLogger(WaitingReads.class);

  private final CheckPace pace = new CheckPace(MOST_UNREAD, System.nanoTime());
  private UnreadShare unread;
  private long nextCheck = System.nanoTime();

  @Override
  public void init(String connector, String version, CommonConnectorConfig config) {
    super.init(connector, version, config);
    String tables = ((RelationalDatabaseConnectorConfig) config).tableIncludeList();
    Set<String> topics = Arrays.stream(tables.split(","))
        .map(table -> config.getLogicalName() + "." + table.trim())
        .collect(Collectors.toSet());
    Map<String, String> client = config.getConfig().subset(CLIENT, true).asMap();
    unread = new UnreadShare(topics, config.getConfig().getString(GROUP), client);
  }

  @Override
  public Struct struct(SourceInfo source) {
    if (source.isSnapshot() && System.nanoTime() - nextCheck >= 0) {
      try {
        waitForSink();
      } catch (InterruptedException error) { // the task is stopped
        Thread.currentThread().interrupt();
        throw new ConnectException("stopped while the reading of rows waited", error);
      }
      nextCheck = System.nanoTime() + pace.pause();
    }
    return super.struct(source);
  }

  private void waitForSink() throws InterruptedException {
    String warned = null;
    UnreadShare.Fullest fullest = unread.fullest();
    while (fullest.share > MOST_UNREAD) {
      if (!fullest.subject.equals(warned)) {
        LOG.warn("the reading of rows waits: {}. It goes on below {} %. A table with more partitions"
            + " (topics.overrides), or a new stack with more sizing.brokerStorage, has more room",
            fullest, Math.round(100 * MOST_UNREAD));
        warned = fullest.subject;
      }
      TimeUnit.NANOSECONDS.sleep(CheckPace.LONGEST);
      fullest = unread.fullest();
    }
    if (warned != null) {
      LOG.info("the reading of rows goes on: {}", fullest);
    }
    pace.seen(fullest.share, System.nanoTime());
  }
}
