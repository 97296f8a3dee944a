package datapipe.postgres;

import io.debezium.connector.postgresql.connection.PostgresConnection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * The files that hold the rows of a table and its partitions.
 *
 * <p>A snapshot reads its tables one after another with the view of its beginning. ALTER TABLE can
 * write a table's rows into new files, where that view sees none: the table would be read as empty.
 */
final class TableFiles {
  private static final String OTHERS = " were written into new files after the snapshot began";
  private static final String QUERY =
      "WITH RECURSIVE member (root, oid) AS ("
          + " SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p')"
          + " UNION SELECT root, inhrelid FROM member JOIN pg_inherits ON inhparent = member.oid)"
          + " SELECT root, string_agg(oid::text, ',' ORDER BY oid), " + paths("oid")
          + " FROM member GROUP BY root";

  private final String members;
  private final String paths;

  private TableFiles(String members, String paths) {
    this.members = members;
    this.paths = paths;
  }

  /** Returns the files of each table of the database, by its OID. */
  static Map<Long, TableFiles> read(PostgresConnection connection) throws SQLException {
    return connection.queryAndMap(QUERY, rows -> {
      Map<Long, TableFiles> found = new HashMap<>();
      while (rows.next()) {
        found.put(rows.getLong(1), new TableFiles(rows.getString(2), rows.getString(3)));
      }
      return found;
    });
  }

  /** The function knows the present files; a query of pg_class has the transaction's view. */
  private static String paths(String oid) {
    String file = "coalesce(pg_relation_filenode(" + oid + ")::text, '-')";
    return "string_agg(" + file + ", ' ' ORDER BY " + oid + ")";
  }

  /** Returns whether it is the error of the condition, after which the task starts again. */
  static boolean areOthers(SQLException error) {
    return String.valueOf(error.getMessage()).contains(OTHERS);
  }

  /**
   * Returns a condition that is true while the files are the same, and otherwise fails.
   *
   * <p>PostgreSQL evaluates it once, after it has locked the table for the query.
   */
  String condition(String table) {
    String current =
        "(SELECT " + paths("oid") + " FROM unnest('{" + members + "}'::oid[]) AS oid)";
    String message = "the rows of " + table + OTHERS
        + " (ALTER TABLE, TRUNCATE, VACUUM FULL); it goes on in a new transaction. Files: ";
    return "CASE WHEN " + current + " = '" + paths + "' THEN true"
        + " ELSE CAST(concat('" + message.replace("'", "''") + "', " + current + ") AS boolean) END";
  }
}
