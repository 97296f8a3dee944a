package datapipe.postgres;

import io.debezium.config.CommonConnectorConfig;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.pipeline.notification.Notification;
import io.debezium.pipeline.notification.channels.NotificationChannel;
import io.debezium.relational.RelationalDatabaseConnectorConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the database regularly whether its tables still are what the connector captures, and shows
 * the answer as MBeans.
 *
 * <p>A table that was dropped and created again, or swapped by a rename, is not in the
 * publication. Its changes stop without an error, and no event of Debezium's says so.
 *
 * <p>It is a channel of Debezium's notifications because those have the connector's configuration, and
 * start and end with its task. It ignores the notifications.
 */
public class CapturedTables implements NotificationChannel {
  static final String NAME = "captured-tables";
  /**
   * The property with the path of a query whose columns are kind, name and reason. It is read for
   * each check, as it names the tables and changes with them.
   */
  static final String QUERY = "captured.tables.query";
  /** The property with the source's name in the MBeans; without it they have none. */
  static final String SOURCE = "captured.tables.source";

  private static final Logger LOG = LoggerFactory.getLogger(CapturedTables.class);
  private static final int CHECK_SECONDS = 15;

  private final ScheduledExecutorService schedule =
      Executors.newSingleThreadScheduledExecutor(CapturedTables::daemon);
  private TableStates states = new TableStates("");
  private Map<String, String> lastReasons = Map.of();
  private String lastFailure = "";

  @Override
  public void init(CommonConnectorConfig config) {
    RelationalDatabaseConnectorConfig database = (RelationalDatabaseConnectorConfig) config;
    List<String> tables = List.of(database.tableIncludeList().split(","));
    Path query = Path.of(config.getConfig().getString(QUERY));
    states = new TableStates(config.getConfig().getString(SOURCE, ""));
    states.register(tables);
    schedule.scheduleWithFixedDelay(
        () -> check(database, tables, query), 0, CHECK_SECONDS, TimeUnit.SECONDS);
  }

  /** Updates the states. Each check has its own connection: an idle one would hold memory. */
  private void check(RelationalDatabaseConnectorConfig config, List<String> tables, Path query) {
    Map<String, String> reasons = new HashMap<>();
    try (PostgresConnection connection =
        DatabaseConnections.open(config.getJdbcConfig(), "Debezium Captured Tables")) {
      // It waits for a table that is locked, such as by VACUUM FULL or an open ALTER TABLE.
      connection.execute("SET lock_timeout = '5s'");
      connection.query(Files.readString(query), rows -> {
        while (rows.next()) {
          String name = rows.getString("name");
          String reason = rows.getString("reason");
          for (String table : name == null ? tables : List.of(name)) {
            reasons.putIfAbsent(table, reason);
          }
        }
      });
      reasons.keySet().retainAll(tables);
      states.update(reasons.keySet());
      reasons.forEach(this::logIfNew);
      lastReasons = reasons;
      lastFailure = "";
    } catch (IOException | SQLException | RuntimeException error) { // the database is away: others report that
      states.unknown();
      if (!lastFailure.equals(String.valueOf(error.getMessage()))) {
        LOG.warn("could not check the captured tables", error);
      }
      lastFailure = String.valueOf(error.getMessage());
    }
  }

  private void logIfNew(String table, String reason) {
    if (!reason.equals(lastReasons.get(table))) {
      LOG.error("{}: {}", table, reason);
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "captured-tables");
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void send(Notification notification) {}

  @Override
  public void close() {
    schedule.shutdownNow();
    states.unregister();
  }
}
