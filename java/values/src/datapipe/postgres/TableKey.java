package datapipe.postgres;

import io.debezium.connector.postgresql.connection.PostgresConnection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The identity of a table, its files, and its primary key, by which its rows are read in order.
 */
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

  /** A domain counts as its base type. */
  private static final String QUERY =
      "SELECT namespace.nspname || '.' || class.relname AS name, class.oid, quote_ident(attname),"
          + " attname, base.oid AS type, format_type(base.oid, CASE WHEN type.typtype = 'd'"
          + " THEN type.typtypmod ELSE atttypmod END) AS type_name,"
          // ALTER TABLE writes the column's entry in the catalog again, and gives it another xmin.
          + " concat_ws(' ', attname, base.oid, attcollation, pg_attribute.xmin,"
          + " CASE WHEN attcollation <> 0 THEN pg_collation_actual_version(attcollation) END),"
          + " CASE WHEN place = 1 THEN (" + FOLLOWED + ") END"
          + " FROM pg_class AS class"
          + " JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace"
          + " LEFT JOIN pg_index ON indrelid = class.oid AND indisprimary"
          + " LEFT JOIN LATERAL unnest(indkey) WITH ORDINALITY AS part (number, place)"
          + " ON place <= indnkeyatts"
          + " LEFT JOIN pg_attribute ON attrelid = class.oid AND attnum = number"
          + " LEFT JOIN pg_type AS type ON type.oid = atttypid"
          + " LEFT JOIN pg_type AS base"
          + " ON base.oid = CASE type.typtype WHEN 'd' THEN type.typbasetype ELSE type.oid END"
          + " WHERE class.relkind IN ('r', 'p')"
          + " ORDER BY class.oid, place";

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
  /** null if the table was created in this moment. */
  final TableFiles files;
  private final List<Column> columns = new ArrayList<>();
  private boolean isFollowed;

  private TableKey(long oid, TableFiles files) {
    this.oid = oid;
    this.files = files;
  }

  /** Returns the key of each table of the database, by schema.table. */
  static Map<String, TableKey> read(PostgresConnection connection) throws SQLException {
    Map<Long, TableFiles> files = TableFiles.read(connection);
    return connection.queryAndMap(QUERY, rows -> {
      Map<String, TableKey> found = new HashMap<>();
      while (rows.next()) {
        long oid = rows.getLong(2);
        TableKey key =
            found.computeIfAbsent(rows.getString(1), name -> new TableKey(oid, files.get(oid)));
        if (rows.getString(3) != null) {
          key.columns.add(new Column(rows.getString(4), rows.getString(3), (int) rows.getLong(5),
              rows.getString(6), rows.getString(7)));
          key.isFollowed |= rows.getBoolean(8);
        }
      }
      return found;
    });
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
