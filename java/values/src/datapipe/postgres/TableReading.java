package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.relational.TableId;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How a table is read by one start of a connector.
 *
 * <p>It reaches the snapshotter, which Debezium creates, as properties of the connector's
 * configuration.
 */
final class TableReading {
  /** The properties' prefix, before the table's name and the property's own. */
  private static final String PREFIX = "table.reading.";

  private static final String HOW = ".how";
  private static final String CONDITION = ".condition";
  private static final String ONLY = ".only";
  private static final String ORDER = ".order";
  private static final String AFTER = ".after";
  private static final String MARKED = ".marked";

  enum How {
    /** Nothing of it was read before. */
    NEW,
    /** What was read before does not count: of another slot, table or order, or without a key. */
    AGAIN,
    /** It goes on after the mark or the row that was written last. */
    RESUMED,
    COMPLETE
  }

  final How how;
  /** A condition that fails where not all rows of the table would be read. */
  final Optional<String> condition;
  /** Whether child tables, by inheritance, are not read; their changes come under their own names. */
  final boolean isOnly;
  final Optional<String> order;
  final Optional<String> after;
  /** Whether a TRUNCATE comes before the rows. */
  final boolean isMarked;

  TableReading(How how, Optional<String> condition, boolean isOnly, Optional<String> order,
      Optional<String> after, boolean isMarked) {
    this.how = how;
    this.condition = condition;
    this.isOnly = isOnly;
    this.order = order;
    this.after = after;
    this.isMarked = isMarked;
  }

  TableReading marked(boolean isMarked) {
    return new TableReading(how, condition, isOnly, order, after, isMarked);
  }

  void addTo(Configuration.Builder properties, String table) {
    properties.with(PREFIX + table + HOW, how.name());
    condition.ifPresent(value -> properties.with(PREFIX + table + CONDITION, value));
    properties.with(PREFIX + table + ONLY, isOnly);
    order.ifPresent(value -> properties.with(PREFIX + table + ORDER, value));
    after.ifPresent(value -> properties.with(PREFIX + table + AFTER, value));
    properties.with(PREFIX + table + MARKED, isMarked);
  }

  /** Returns how a table is read; empty if the connector's class is Debezium's. */
  static Optional<TableReading> of(Configuration config, String table) {
    return Optional.ofNullable(config.getString(PREFIX + table + HOW))
        .map(how -> new TableReading(
            How.valueOf(how),
            Optional.ofNullable(config.getString(PREFIX + table + CONDITION)),
            config.getBoolean(PREFIX + table + ONLY, false),
            Optional.ofNullable(config.getString(PREFIX + table + ORDER)),
            Optional.ofNullable(config.getString(PREFIX + table + AFTER)),
            config.getBoolean(PREFIX + table + MARKED, false)));
  }

  /** Returns the query of the table's rows; empty if none is left to read. */
  Optional<String> query(TableId table, List<String> columns) {
    if (how == How.COMPLETE) {
      return Optional.empty();
    }
    String all = "SELECT " + String.join(", ", columns) + " FROM " + (isOnly ? "ONLY " : "")
        + table.toDoubleQuotedString();
    String conditions =
        Stream.of(condition, after).flatMap(Optional::stream).collect(Collectors.joining(" AND "));
    String ordered = all + (conditions.isEmpty() ? "" : " WHERE " + conditions)
        + order.map(key -> " ORDER BY " + key).orElse("");
    return Optional.of(isMarked ? MarkedSnapshotter.marked(ordered) : ordered);
  }
}
