package datapipe.maintenance;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Types;

/** Keeps the rows of other keys, and notes texts of those that it does not keep. */
final class ErasedRows implements Predicate<Record> {
  // Shorter ones are words that the metadata has by itself, such as names of columns.
  private static final int SHORTEST_TEXT = 12;
  private static final int MOST_TEXTS = 1000;
  private static final String OF_THE_CHANGE = "__";

  private final KeyMatch match;
  private final Set<String> texts = new LinkedHashSet<>();

  ErasedRows(KeyMatch match) {
    this.match = match;
  }

  Set<String> texts() {
    return texts;
  }

  @Override
  public boolean test(Record row) {
    if (!match.test(row)) {
      return true;
    }
    for (Types.NestedField field : row.struct().fields()) {
      Object value = row.getField(field.name());
      if (value instanceof CharSequence
          && !field.name().startsWith(OF_THE_CHANGE)
          && ((CharSequence) value).length() >= SHORTEST_TEXT
          && texts.size() < MOST_TEXTS) {
        texts.add(value.toString());
      }
    }
    return false;
  }
}
