package datapipe.postgres;

import io.debezium.connector.postgresql.connection.PostgresConnection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** The identity of a table, and its primary key, by which its rows are read in order. */
final class TableKey {
  /**
   * Whether the rows are in the order of a key's first column, by the table's statistics, and so
   * few of them share a value of it that their pages are read once.
   */
  private static final String FOLLOWED =
      "SELECT abs(correlation) > 0.9 AND 1000 * CASE WHEN n_distinct < 0"
          + " THEN -n_distinct * greatest(class.reltuples, 1) ELSE n_distinct END >= class.reltuples"
          + " FROM pg_stats WHERE schemaname = namespace.nspname AND tablename = class.relname"
          + " AND pg_stats.attname = pg_attribute.attname AND inherited = (class.relkind = 'p')";

  /** Whether a policy shows all rows to the account, and none that applies to it restricts that. */
  private static final String ALL_SHOWN =
      "SELECT coalesce(bool_or(polpermissive AND pg_get_expr(polqual, polrelid) = 'true'), false)"
          + " AND bool_and(polpermissive) FROM pg_policy"
          + " WHERE polrelid = class.oid AND polcmd IN ('r', '*')"
          + " AND EXISTS (SELECT FROM unnest(polroles) AS role"
          + " WHERE role = 0 OR pg_has_role(role, 'USAGE'))";

  /**
   * Lets the planner prefer the index to a sort: for a limit that it can't know it reckons with a
   * tenth of the rows. The rows stay all of them.
   */
  private static final String BY_INDEX = " LIMIT (SELECT 9223372036854775807)";

  private static final class Column {
    final String name;
    final String quoted;
    final int type;
    final String typeName;
    /** Changes whenever the values may sort in another order than before. */
    final String ordering;

    Column(String name, String quoted, int type, String typeName, String ordering) {
      this.name = name;
      this.quoted = quoted;
      this.type = type;
      this.typeName = typeName;
      this.ordering = ordering;
    }
  }

  final long oid;
  final UnchangedTable table;
  /** Whether it is not partitioned; then it may have child tables by inheritance. */
  final boolean isPlain;
  /** Whether row level security hides rows from the account. */
  final boolean hidesRows;
  /** The versions of the policies by which the account sees all rows; empty if it needs none. */
  final String policies;
  private final List<Column> columns = new ArrayList<>();
  private boolean isFollowed;

  private TableKey(ResultSet row) throws SQLException {
    oid = row.getLong(2);
    table = new UnchangedTable(row);
    isPlain = row.getBoolean("is_plain");
    hidesRows = row.getBoolean("hides_rows");
    policies = Objects.requireNonNullElse(row.getString("policies"), "");
  }

  /** Returns the key of each of the tables that exists, by schema.table. */
  static Map<String, TableKey> read(PostgresConnection connection, List<String> tables)
      throws SQLException {
    String query = query(Collations.version(connection));
    String names = String.join(",", tables);
    return connection.prepareQueryAndMap(query, given -> given.setString(1, names), rows -> {
      Map<String, TableKey> found = new HashMap<>();
      while (rows.next()) {
        String name = rows.getString(1);
        TableKey key = found.get(name);
        if (key == null) {
          key = new TableKey(rows);
          found.put(name, key);
        }
        if (rows.getString(3) != null) {
          key.columns.add(new Column(rows.getString(4), rows.getString(3), (int) rows.getLong(5),
              rows.getString(6), rows.getString(7)));
          key.isFollowed |= rows.getBoolean(8);
        }
      }
      return found;
    });
  }

  /** Returns the query of tables and their keys. A domain counts as its base type. */
  private static String query(String collationVersion) {
    return "SELECT nspname || '.' || relname AS name, class.oid, quote_ident(attname),"
        + " attname, base.oid AS type, format_type(base.oid, CASE WHEN type.typtype = 'd'"
        + " THEN type.typtypmod ELSE atttypmod END) AS type_name,"
        // ALTER TABLE writes the column's entry in the catalog again, and gives it another xmin.
        + " concat_ws(' ', attname, base.oid, attcollation, pg_attribute.xmin, "
        + collationVersion + "), CASE WHEN place = 1 THEN (" + FOLLOWED + ") END,"
        + " class.relkind = 'r' AS is_plain,"
        + " row_security_active(class.oid) AND NOT (" + ALL_SHOWN + ") AS hides_rows,"
        + " CASE WHEN row_security_active(class.oid) THEN (SELECT string_agg("
        + "concat(policy.oid, '-', policy.xmin), ' ' ORDER BY policy.oid) FROM pg_policy AS policy"
        + " WHERE polrelid = class.oid) END AS policies, " + UnchangedTable.COLUMNS
        + " FROM pg_class AS class"
        + " JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace"
        + " LEFT JOIN pg_index ON indrelid = class.oid AND indisprimary"
        + " LEFT JOIN LATERAL unnest(indkey) WITH ORDINALITY AS part (number, place)"
        + " ON place <= indnkeyatts"
        + " LEFT JOIN pg_attribute ON attrelid = class.oid AND attnum = number"
        + " LEFT JOIN pg_collation ON pg_collation.oid = attcollation"
        + " LEFT JOIN pg_type AS type ON type.oid = atttypid"
        + " LEFT JOIN pg_type AS base"
        + " ON base.oid = CASE type.typtype WHEN 'd' THEN type.typbasetype ELSE type.oid END"
        + " WHERE class.relkind IN ('r', 'p')"
        + " AND nspname || '.' || relname = ANY (string_to_array(?, ','))"
        + " ORDER BY class.oid, place";
  }

  /** Returns a condition that fails where the table is another one than now, or hides rows. */
  String condition() {
    // Where policies show all rows, row level security is active. A query of pg_policy has the
    // transaction's view, so those are compared when all is read.
    return table.condition() + (policies.isEmpty() ? " AND " + table.showsAllRows() : "");
  }

  /** Returns whether the table has a key by which an interrupted reading can go on. */
  boolean isOrdered() {
    return !columns.isEmpty() && columns.stream().allMatch(column -> KeyLiterals.has(column.type));
  }

  /** Returns the expressions of ORDER BY, and what follows them. */
  String order() {
    return names() + (isFollowed ? BY_INDEX : "");
  }

  private String names() {
    return columns.stream().map(column -> column.quoted).collect(Collectors.joining(", "));
  }

  /** Returns what changes whenever the rows may sort in another order than before. */
  String ordering() {
    return columns.stream().map(column -> column.ordering).collect(Collectors.joining(", "));
  }

  /**
   * Returns the condition of the rows after that of an offset; empty if its key is not that of this
   * table, or may have had another order.
   */
  Optional<String> after(Map<String, Object> offset) {
    Map<String, Object> row = TableOffsets.key(offset);
    if (!ordering().equals(offset.get(TableOffsets.ORDERING))) {
      return Optional.empty();
    }
    List<String> literals = new ArrayList<>();
    for (Column column : columns) {
      Optional<String> literal = KeyLiterals.of(column.type, column.typeName, row.get(column.name));
      if (literal.isEmpty()) {
        return Optional.empty();
      }
      literals.add(literal.get());
    }
    return isOrdered() && row.size() == columns.size()
        ? Optional.of("(" + names() + ") > (" + String.join(", ", literals) + ")")
        : Optional.empty();
  }
}
