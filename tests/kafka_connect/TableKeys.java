package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.connection.PostgresConnection;
import io.debezium.jdbc.JdbcConfiguration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Prints how the rows of tables are read, by TableKey: name, ORDER BY and what the order depends on.
 *
 * <p>Arguments: the server's port, a database, an account, its password, and the tables.
 */
public class TableKeys {
  public static void main(String[] arguments) throws Exception {
    JdbcConfiguration config = JdbcConfiguration.adapt(Configuration.create()
        .with("hostname", "localhost").with("port", arguments[0]).with("dbname", arguments[1])
        .with("user", arguments[2]).with("password", arguments[3]).with("sslmode", "require")
        .build());
    try (PostgresConnection connection = DatabaseConnections.open(config, "Table Keys")) {
      Map<String, TableKey> keys =
          TableKey.read(connection, List.of(arguments[4].split(",")));
      new TreeMap<>(keys).forEach((name, key) -> System.out.println(String.join("\t", name,
          key.isOrdered() ? key.order() : "", key.ordering())));
    }
    System.exit(0);
  }
}
