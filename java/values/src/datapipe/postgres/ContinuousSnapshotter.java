package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.snapshot.InitialSnapshotter;
import io.debezium.connector.postgresql.spi.OffsetState;
import io.debezium.connector.postgresql.spi.SlotState;
import io.debezium.relational.TableId;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Reads tables at first as Debezium's initial snapshot does, and later refuses to capture from a
 * server on which changes would be missing.
 *
 * <p>Debezium itself creates a slot that is missing, and goes on without the changes in between. It
 * initializes its snapshotter before it creates the slot.
 */
public class ContinuousSnapshotter extends InitialSnapshotter {
  /** A reader of rows drops its slot, and writes no changes that it could miss. */
  static final String SLOT_IS_DROPPED = "slot.drop.on.stop";

  private PostgresConnectorConfig config;

  @Override
  public void init(PostgresConnectorConfig config, OffsetState captured, SlotState slot) {
    super.init(config, captured, slot);
    this.config = config;
    if (config.getConfig().getBoolean(SLOT_IS_DROPPED, false)) {
      return;
    }
    String slotName = config.getConfig().getString("slot.name");
    Optional<String> gap = captured == null ? Optional.empty() : gap(config, slotName, captured);
    ContinuityState.of(slotName).update(gap.isEmpty());
    if (gap.isPresent()) {
      throw new ConnectException(
          gap.get() + ". Run make recover SOURCE=" + config.getLogicalName());
    }
  }

  private static Optional<String> gap(
      PostgresConnectorConfig config, String slotName, OffsetState captured) {
    try (PostgresConnection connection =
        DatabaseConnections.open(config.getJdbcConfig(), "Debezium Continuity")) {
      return new Continuity(config, captured).gap(new SourceServer(connection, config, slotName));
    } catch (SQLException error) {
      throw SourceServer.failure("whether changes are missing", error);
    }
  }

  /**
   * A reading that goes on is later than the slot, whose changes from its beginning on come after
   * the rows. Debezium asks this only when it reads rows.
   */
  @Override
  public boolean shouldStreamEventsStartingFromSnapshot() {
    return !SnapshotStart.goesOn(config.getConfig());
  }

  @Override
  public Optional<String> buildSnapshotQuery(TableId table, List<String> columns) {
    Optional<TableReading> reading =
        TableReading.of(config.getConfig(), SnapshotStart.name(table));
    return reading.isPresent() ? reading.get().query(table, columns)
        : super.buildSnapshotQuery(table, columns).map(this::unrecorded);
  }

  /** Locks none. Refuses to read the others where a table is gone, which Debezium would leave out. */
  @Override
  public Optional<String> snapshotTableLockingStatement(Duration timeout, Set<TableId> tables) {
    SnapshotStart.requireAll(config.getConfig(),
        tables.stream().map(SnapshotStart::name).collect(Collectors.toSet()));
    return Optional.empty();
  }

  /** Returns the query of a connector of Debezium's class, which records no progress. */
  String unrecorded(String all) {
    return all;
  }
}
