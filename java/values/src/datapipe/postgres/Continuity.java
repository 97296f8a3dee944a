package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.Lsn;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.connector.postgresql.spi.OffsetState;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Whether a server has every change after those that were captured, and all of those.
 *
 * <p>A host's name may lead to another server than before: to a standby that was promoted, to a restored
 * backup, or to a new cluster. Such a server has no slot, a new one, or one from before.
 */
class Continuity {
  /** The server at the last update, as system identifier, a slash and timeline. */
  static final String SERVER = "captured.server";

  private static final String REMOVED = " has removed WAL that the replication slot needs"
      + " (max_slot_wal_keep_size), and the changes after";
  private static final String EXACTLY_ONCE = "exactly.once.support";
  /** How much older the last heartbeat may be than the last change, in addition to two intervals. */
  private static final Duration HEARTBEAT_TOLERANCE = Duration.ofMinutes(1);

  private final PostgresConnectorConfig config;
  private final long captured;
  private final Instant capturedAt;

  Continuity(PostgresConnectorConfig config, OffsetState offset) {
    this.config = config;
    captured = offset.lastSeenLsn() == null ? 0 : offset.lastSeenLsn().asLong();
    capturedAt = offset.lastCommitTs();
  }

  /**
   * Refuses to begin with a slot that is lost. For the position that such a slot no longer has, Debezium
   * waits for half an hour, RUNNING, before it asks for anything else.
   */
  static void requireKeptSlot(PostgresConnectorConfig config) {
    String slot = config.getConfig().getString("slot.name");
    try (PostgresConnection connection =
        DatabaseConnections.open(config.getJdbcConfig(), "Debezium Continuity")) {
      if (!new SourceServer(connection, config, slot).isLost()) {
        return;
      }
    } catch (SQLException error) {
      return; // Debezium asks the same server next, and fails
    }
    ContinuityState.of(slot).update(false);
    throw new ConnectException(host(config) + REMOVED + " its position are not captured."
        + " Run make recover SOURCE=" + config.getLogicalName());
  }

  /** Returns why changes are missing, or rows are archived that the server does not have. */
  Optional<String> gap(SourceServer server) throws SQLException {
    String host = host(config);
    if (server.isStandby()) {
      return Optional.of(host + " is a standby");
    }
    String expected = config.getConfig().getString(SERVER);
    if (expected != null && !expected.split("/")[0].equals(server.systemIdentifier())) {
      return Optional.of(host + " is another server than the one that was captured: its system"
          + " identifier is " + server.systemIdentifier() + " instead of "
          + expected.split("/")[0]);
    }
    long position = server.position();
    if (position < captured) {
      return Optional.of(host + " is at the WAL position " + shown(position) + ", but changes were"
          + " captured up to " + shown(captured) + ": it is a restored backup, or a standby that"
          + " was promoted before it had them, and the archive has rows that it does not have");
    }
    OptionalLong confirmed = server.confirmed();
    if (confirmed.isEmpty()) {
      return Optional.of("the replication slot does not exist on " + host + ", and its changes"
          + " after " + shown(captured) + " are not captured");
    }
    if (server.isLost()) {
      return Optional.of(host + REMOVED + " " + shown(captured) + " are not captured");
    }
    if (isExact() && confirmed.getAsLong() > captured) {
      return Optional.of("the replication slot on " + host + " begins at "
          + shown(confirmed.getAsLong()) + ", and the changes after " + shown(captured)
          + " are not captured: it was created again, or another program has read it");
    }
    if (expected != null) {
      Optional<String> left = leftTimeline(server, host, Integer.parseInt(expected.split("/")[1]),
          confirmed.getAsLong());
      if (left.isPresent()) {
        return left;
      }
    }
    return olderState(server, host);
  }

  /**
   * Returns whether the offset is that of the last record in Kafka. Otherwise Debezium confirms
   * records that are in Kafka before the worker stores their offset.
   */
  private boolean isExact() {
    return "required".equals(config.getConfig().getString(EXACTLY_ONCE));
  }

  /**
   * Returns that changes were captured from a timeline after the server had left it.
   *
   * <p>Once the slot's reader has confirmed a position after a timeline's end, it was on a later one.
   */
  private Optional<String> leftTimeline(
      SourceServer server, String host, int expected, long confirmed) throws SQLException {
    int timeline = server.timeline();
    if (timeline < expected) {
      return Optional.of(host + " is on timeline " + timeline + ", but changes were captured from"
          + " timeline " + expected + ": it is a primary of before a failover");
    }
    if (timeline == expected) {
      return Optional.empty();
    }
    for (long end : server.switches(timeline).tailMap(expected, true).values()) {
      if (confirmed <= end && end < captured) {
        return Optional.of(host + " was promoted at the WAL position " + shown(end) + ", but"
            + " changes were captured up to " + shown(captured) + " from the server before it, and"
            + " the archive has rows that it does not have");
      }
    }
    return Optional.empty();
  }

  /** Returns that the database is older than what was captured of it. */
  private Optional<String> olderState(SourceServer server, String host) throws SQLException {
    // Debezium's default of the query is empty; then the database has no table of heartbeats.
    String query = config.getHeartbeatActionQuery();
    if (query == null || query.isEmpty() || capturedAt == null) {
      return Optional.empty();
    }
    Duration tolerance =
        config.getHeartbeatInterval().multipliedBy(2).plus(HEARTBEAT_TOLERANCE);
    return server.heartbeat()
        .filter(at -> at.plus(tolerance).isBefore(capturedAt))
        .map(at -> host + " has the heartbeat of " + at + ", but changes were captured up to "
            + capturedAt + ": it is a restored backup, or a primary of before a failover");
  }

  private static String host(PostgresConnectorConfig config) {
    return config.getJdbcConfig().getHostname() + ":" + config.getJdbcConfig().getPort();
  }

  private static String shown(long position) {
    return Lsn.valueOf(position).asString();
  }
}
