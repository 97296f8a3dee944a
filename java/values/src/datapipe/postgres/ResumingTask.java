package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import io.debezium.connector.postgresql.PostgresOffsetContext;
import io.debezium.connector.postgresql.PostgresPartition;
import io.debezium.pipeline.ChangeEventSourceCoordinator;
import io.debezium.pipeline.spi.OffsetContext;
import io.debezium.pipeline.spi.Offsets;
import io.debezium.pipeline.spi.Partition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Debezium's task, which records how far the rows of each table are read, and goes on from there.
 *
 * <p>Debezium's own offset during a snapshot says only that it has begun. Here each row that is read
 * has an offset of its table, with the row's key, which Connect commits in the same transaction as
 * the row. The last row of all keeps Debezium's offset, so that the snapshot ends as usual.
 *
 * <p>When all rows are read, the offsets of changes are Debezium's, with what {@link SharedPositions}
 * adds.
 */
public class ResumingTask extends PostgresConnectorTask {
  /** The offsets of tables that were handed to Connect, which may not have committed them yet. */
  private final Map<String, Map<String, Object>> handedOver = new HashMap<>();

  private final DatabaseErrors errors = new DatabaseErrors();
  private SnapshotProgress progress;
  private SharedPositions positions;

  @Override
  public ChangeEventSourceCoordinator<PostgresPartition, PostgresOffsetContext> start(
      Configuration config) {
    ReadingSettings.require(config.asMap());
    progress = null;
    positions = new SharedPositions(null);
    if (!SnapshotStart.reads(config, context.offsetStorageReader())) {
      Continuity.requireKeptSlot(new PostgresConnectorConfig(config));
      return super.start(config);
    }
    SnapshotStart snapshot =
        SnapshotStart.prepare(config, context.offsetStorageReader(), handedOver);
    progress = new SnapshotProgress(snapshot, handedOver);
    return super.start(snapshot.addTo(config));
  }

  /**
   * Hides the offset of an unfinished snapshot, with which Debezium would begin again, and has a
   * position of which only some records were committed read again.
   */
  @Override
  protected Offsets<PostgresPartition, PostgresOffsetContext> getPreviousOffsets(
      Partition.Provider<PostgresPartition> provider,
      OffsetContext.Loader<PostgresOffsetContext> loader) {
    Offsets<PostgresPartition, PostgresOffsetContext> stored =
        super.getPreviousOffsets(provider, offset -> {
          if (progress == null) {
            positions = new SharedPositions(offset);
          }
          return loader.load(SharedPositions.beginning(offset));
        });
    return progress == null ? stored : Offsets.of(stored.getTheOnlyPartition(), null);
  }

  @Override
  public List<SourceRecord> doPoll() throws InterruptedException {
    List<SourceRecord> records;
    try {
      records = super.doPoll();
    } catch (RetriableException error) {
      throw progress == null ? errors.streaming(error) : errors.reading(error);
    }
    if (!records.isEmpty()) {
      errors.passed();
    }
    return positions.apply(progress == null ? records : recorded(records));
  }

  private List<SourceRecord> recorded(List<SourceRecord> records) {
    progress.requireAllRows(records); // before any of them counts as handed over
    List<SourceRecord> recorded = new ArrayList<>(records.size());
    for (SourceRecord record : records) {
      progress.apply(record).ifPresent(recorded::add);
    }
    if (progress.isFinished()) {
      progress = null;
    }
    return recorded;
  }

  /** Debezium confirms the offsets of its own to the database; those of tables have no position. */
  @Override
  public void commitRecord(SourceRecord record) throws InterruptedException {
    if (!record.sourcePartition().containsKey(TableOffsets.TABLE)) {
      super.commitRecord(record);
    }
  }

  /** Returns a record with another place in the offsets. */
  static SourceRecord with(
      SourceRecord record, Map<String, ?> partition, Map<String, Object> offset) {
    return new SourceRecord(partition, offset, record.topic(), record.kafkaPartition(),
        record.keySchema(), record.key(), record.valueSchema(), record.value(), record.timestamp(),
        record.headers());
  }
}
