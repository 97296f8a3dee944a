package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.jdbc.JdbcConfiguration;

/**
 * Connections to the database that give up: a server that accepts them and then says nothing would
 * otherwise hold a task's start, or a check, forever.
 *
 * <p>The driver reports that as a lost connection (SQLSTATE 08006). A `driver.socketTimeout` or
 * `driver.connectTimeout` of the connector is kept.
 */
final class DatabaseConnections {
  /** Of each answer. */
  static final int ANSWER_SECONDS = 30;
  private static final int CONNECT_SECONDS = 10;

  private DatabaseConnections() {}

  static PostgresConnection open(JdbcConfiguration config, String usage) {
    Configuration limited = config.edit()
        .withDefault("connectTimeout", CONNECT_SECONDS)
        .withDefault("socketTimeout", ANSWER_SECONDS)
        .build();
    return new PostgresConnection(JdbcConfiguration.adapt(limited), usage);
  }
}
