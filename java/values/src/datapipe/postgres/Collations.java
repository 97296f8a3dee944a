package datapipe.postgres;

import io.debezium.connector.postgresql.connection.PostgresConnection;
import java.sql.SQLException;

/**
 * The versions of collations, on which the order of text depends.
 *
 * <p>PostgreSQL says those of its own collations, and since 15 that of the database's. Version 13 and
 * 14 say that of the C library, with which a database of theirs sorts. Version 12 says neither: there
 * another start of the server counts as another version, as only that can load another library.
 */
final class Collations {
  private static final int SAYS_OF_DATABASE = 150000;

  /** Whether a name of a locale is of the order of bytes, which no version changes. */
  private static final String BYTES = "%s ~* '^(C|POSIX)(\\..*)?$'";
  /** Of the C library where PostgreSQL does not know it. That of Alpine sorts by bytes. */
  private static final String UNKNOWN =
      "CASE WHEN version() !~ 'musl' THEN pg_postmaster_start_time()::text END";
  private static final String OF_DATABASE =
      "SELECT coalesce(pg_database_collation_actual_version(oid), CASE WHEN datlocprovider = 'c'"
          + " AND NOT " + String.format(BYTES, "datcollate") + " THEN " + UNKNOWN + " END)"
          + " FROM pg_database WHERE datname = current_database()";
  private static final String OF_LIBRARY =
      "SELECT coalesce((SELECT max(pg_collation_actual_version(oid)) FROM pg_collation"
          + " WHERE collprovider = 'c' AND NOT " + String.format(BYTES, "collcollate") + "), "
          + UNKNOWN + ") FROM pg_database WHERE datname = current_database()"
          + " AND NOT " + String.format(BYTES, "datcollate");

  private Collations() {}

  /** Returns the expression of the version of attcollation, which a row of pg_collation is joined to. */
  static String version(PostgresConnection connection) throws SQLException {
    int server = connection.queryAndMap("SELECT current_setting('server_version_num')::int", row -> {
      row.next();
      return row.getInt(1);
    });
    return "CASE WHEN collprovider = 'd' THEN ("
        + (server < SAYS_OF_DATABASE ? OF_LIBRARY : OF_DATABASE)
        + ") WHEN collprovider IS NOT NULL THEN coalesce(pg_collation_actual_version(attcollation),"
        + " CASE WHEN collprovider = 'c' AND NOT " + String.format(BYTES, "collcollate") + " THEN "
        + UNKNOWN + " END) END";
  }
}
