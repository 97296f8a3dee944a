package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.jdbc.JdbcConfiguration;
import io.debezium.jdbc.JdbcConnection.ResultSetMapper;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/** What a database's server says of its identity and of the slot. Positions are in bytes of WAL. */
class SourceServer {
  private static final String ZERO = " - '0/0'::pg_lsn)::bigint";
  private static final String HEARTBEAT = "SELECT at FROM datapipe.heartbeat WHERE id = 1";

  private final PostgresConnection connection;
  private final PostgresConnectorConfig config;
  private final String slot;

  SourceServer(PostgresConnection connection, PostgresConnectorConfig config, String slot) {
    this.connection = connection;
    this.config = config;
    this.slot = slot;
  }

  boolean isStandby() throws SQLException {
    return connection.queryAndMap("SELECT pg_is_in_recovery()", first(row -> row.getBoolean(1)));
  }

  /** Returns the number that initdb gives a server; its standbys and backups have the same one. */
  String systemIdentifier() throws SQLException {
    return connection.queryAndMap(
        "SELECT system_identifier::text FROM pg_control_system()", first(row -> row.getString(1)));
  }

  /** Returns the timeline, which each promotion of a standby and each restored backup raises. */
  int timeline() throws SQLException {
    return Integer.parseInt(connection.queryAndMap(
        "SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)",
        first(row -> row.getString(1))), 16);
  }

  long position() throws SQLException {
    return connection.queryAndMap(
        "SELECT (pg_current_wal_insert_lsn()" + ZERO, first(row -> row.getLong(1)));
  }

  /** Returns the position that the slot's reader has confirmed; empty without such a slot. */
  OptionalLong confirmed() throws SQLException {
    return connection.prepareQueryAndMap(
        "SELECT (confirmed_flush_lsn" + ZERO + " FROM pg_replication_slots WHERE slot_name = ?",
        statement -> statement.setString(1, slot),
        row -> row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty());
  }

  /** Returns whether the server has removed WAL that the slot needs; before 13 it never does. */
  boolean isLost() throws SQLException {
    return connection.prepareQueryAndMap(
        "SELECT to_jsonb(slot) ->> 'wal_status' = 'lost' FROM pg_replication_slots AS slot"
            + " WHERE slot_name = ?",
        statement -> statement.setString(1, slot),
        row -> row.next() && row.getBoolean(1));
  }

  /**
   * Drops the slot if nobody reads it, so that another is created with a view of the database at
   * its beginning.
   */
  void dropSlot() throws SQLException {
    connection.prepareQueryAndMap(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            + " WHERE slot_name = ? AND database = current_database() AND NOT active",
        statement -> statement.setString(1, slot),
        ResultSet::next);
  }

  /** Returns when the connector last wrote its heartbeat to the database. */
  Optional<Instant> heartbeat() throws SQLException {
    return connection.queryAndMap(HEARTBEAT, row -> row.next()
        ? Optional.of(row.getTimestamp(1).toInstant()) : Optional.empty());
  }

  /** Returns the position at which each earlier timeline ended, by the timeline's number. */
  NavigableMap<Integer, Long> switches(int timeline) throws SQLException {
    JdbcConfiguration replicating = JdbcConfiguration.adapt(config.getJdbcConfig().edit()
        .with("replication", "database")
        .with("preferQueryMode", "simple") // a connection that replicates knows no other
        .with("assumeMinServerVersion", "9.4")
        .build());
    try (PostgresConnection replication =
            DatabaseConnections.open(replicating, "Debezium Continuity");
        Statement statement = replication.connection(false).createStatement();
        ResultSet history = statement.executeQuery("TIMELINE_HISTORY " + timeline)) {
      history.next();
      return parseHistory(new String(history.getBytes("content"), StandardCharsets.UTF_8));
    }
  }

  /** Reads a timeline's history: lines of timeline, position and reason. */
  static NavigableMap<Integer, Long> parseHistory(String content) {
    NavigableMap<Integer, Long> ends = new TreeMap<>();
    for (String line : content.split("\n")) {
      String[] fields = line.trim().split("\\s+");
      if (fields.length >= 2 && fields[0].matches("\\d+")) {
        String[] halves = fields[1].split("/");
        ends.put(Integer.valueOf(fields[0]),
            (Long.parseLong(halves[0], 16) << 32) + Long.parseLong(halves[1], 16));
      }
    }
    return ends;
  }

  /** Returns the error of a task that could not ask the server; it tries again if that is away. */
  static ConnectException failure(String question, SQLException error) {
    return DatabaseErrors.isAway(error)
        ? new RetriableException("the database went away while it was asked " + question
            + ", or did not answer within " + DatabaseConnections.ANSWER_SECONDS + " s: "
            + error.getMessage(), error)
        : new ConnectException("cannot ask " + question, error);
  }

  private interface Reader<T> {
    T read(ResultSet row) throws SQLException;
  }

  private static <T> ResultSetMapper<T> first(Reader<T> reader) {
    return rows -> {
      rows.next();
      return reader.read(rows);
    };
  }
}
