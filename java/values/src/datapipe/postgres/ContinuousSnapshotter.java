package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.snapshot.InitialSnapshotter;
import io.debezium.connector.postgresql.spi.OffsetState;
import io.debezium.connector.postgresql.spi.SlotState;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Reads tables at first as Debezium's initial snapshot does, and later refuses to capture from a
 * server on which changes would be missing.
 *
 * <p>Debezium itself creates a slot that is missing, and goes on without the changes in between. It
 * initializes its snapshotter before it creates the slot.
 */
public class ContinuousSnapshotter extends InitialSnapshotter {
  /** A reader of rows drops its slot, and writes no changes that it could miss. */
  private static final String SLOT_IS_DROPPED = "slot.drop.on.stop";
  /** The SQLSTATE classes with which PostgreSQL and its driver report a lost connection. */
  private static final List<String> AWAY = List.of("08", "57P");

  @Override
  public void init(PostgresConnectorConfig config, OffsetState captured, SlotState slot) {
    super.init(config, captured, slot);
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
      String state = String.valueOf(error.getSQLState());
      if (AWAY.stream().anyMatch(state::startsWith)) {
        throw new RetriableException("the database went away while its slot was checked, or did not"
            + " answer within " + DatabaseConnections.ANSWER_SECONDS + " s: " + error.getMessage(),
            error);
      }
      throw new ConnectException("cannot check whether changes are missing", error);
    }
  }
}
