package datapipe.postgres;

/**
 * Reads tables as Debezium's initial snapshot does, each with two rows of NULLs before its own.
 *
 * <p>The transform datapipe.connect.TruncateFirst makes the first one a TRUNCATE, with which the
 * table's state begins again, and drops the second. With it the first is never also the last row, so
 * Debezium marks it as the first one even where the table is empty.
 */
public class MarkedSnapshotter extends ContinuousSnapshotter {
  @Override
  String unrecorded(String all) {
    return marked(all);
  }

  /** The join with no row of the table gives NULLs of the columns' own types. */
  static String marked(String query) {
    return "SELECT existing.* FROM generate_series(1, 2) LEFT JOIN (SELECT * FROM ("
        + query + ") AS rows LIMIT 0) AS existing ON true UNION ALL (" + query + ")";
  }
}
