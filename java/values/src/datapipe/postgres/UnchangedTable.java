package datapipe.postgres;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * What a table is when a snapshot begins: its OID, its files and partitions, and its columns' types.
 *
 * <p>A snapshot reads its tables one after another, with the view and the columns of its beginning.
 * ALTER TABLE can write a table's rows into new files, where that view sees none. Another table may
 * have the name by then, and a column of the same name another type, as which its values are not read.
 */
final class UnchangedTable {
  private static final String ALTERED = " was altered or replaced after the snapshot began";

  /** The columns of QUERY of {@link TableKey} that constructor reads, for a pg_class AS class. */
  static final String COLUMNS =
      "format('%I.%I', nspname, relname) AS quoted_name, " + parts("class.oid") + " AS parts,"
          + " (SELECT array_agg(quote_ident(attname) ORDER BY attnum) FROM pg_attribute"
          + " WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped) AS columns,"
          + " (SELECT array_agg(atttypid ORDER BY attnum)::text FROM pg_attribute"
          + " WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped) AS types";

  private final String name;
  private final String[] columns;
  private final String state;

  UnchangedTable(ResultSet row) throws SQLException {
    name = row.getString("quoted_name");
    Array names = row.getArray("columns");
    columns = names == null ? new String[0] : (String[]) names.getArray();
    state = row.getString("parts") + (names == null ? "" : " " + row.getString("types"));
  }

  /**
   * Returns the OIDs and files of a table and its partitions.
   *
   * <p>Functions know the present ones; a query of pg_class has the transaction's view.
   */
  private static String parts(String table) {
    return "(SELECT string_agg(concat(part, '/', coalesce(pg_relation_filenode(part)::text, '-')),"
        + " ' ' ORDER BY part) FROM (SELECT " + table + "::oid AS part"
        + " UNION SELECT relid::oid FROM pg_partition_tree(" + table + ")) AS parts)";
  }

  /** Returns whether it is an error of a table that changed, after which the task starts again. */
  static boolean isAltered(SQLException error) {
    return String.valueOf(error.getMessage()).contains(ALTERED);
  }

  /**
   * Returns a condition that is true while the table is the same, and otherwise fails.
   *
   * <p>PostgreSQL evaluates it once, after it has locked the table for the query.
   */
  String condition() {
    StringBuilder current = new StringBuilder("concat_ws(' ', " + parts(oid()));
    for (int i = 0; i < columns.length; i++) {
      current.append(i == 0 ? ", ARRAY[" : ", ")
          .append("pg_typeof((NULL::").append(name).append(").").append(columns[i])
          .append(")::oid");
    }
    current.append(columns.length == 0 ? ")" : "]::text)");
    return failing(current + " <> '" + state + "'", name + ALTERED
        + " (ALTER TABLE, TRUNCATE, VACUUM FULL, a rename); it goes on in a new transaction. It is: ",
        current.toString());
  }

  /** Returns a condition that fails where row level security applies to the account. */
  String showsAllRows() {
    return failing("row_security_active(" + oid() + ")",
        "row level security hides rows of " + name + " from the account that captures ", oid());
  }

  /** Returns a condition that is true unless `fault` is, and then an error with the message. */
  private static String failing(String fault, String message, String detail) {
    return "CASE WHEN " + fault + " THEN CAST(concat('" + message.replace("'", "''") + "', " + detail
        + ") AS boolean) ELSE true END";
  }

  private String oid() {
    return "'" + name.replace("'", "''") + "'::regclass::oid";
  }
}
