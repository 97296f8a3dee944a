package datapipe.iceberg;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/**
 * Which column of a table each field of a record goes to, and what the table lacks for that.
 *
 * <p>A field goes to the column of its name if that holds values of its kind, and to a column
 * `NAME__KIND` otherwise. It depends on the table and the record alone, so that all tasks find the
 * same columns.
 */
final class ColumnPlan {
  /** The columns of the fields that do not go to the one of their name. */
  final Map<String, String> renamed = new LinkedHashMap<>();

  /** Columns to add, with their comments; all are optional. */
  final List<Types.NestedField> added = new ArrayList<>();

  /** New comments of columns whose kind nothing says. */
  final Map<String, String> comments = new LinkedHashMap<>();

  private final Types.StructType table;
  private final Map<String, String> furtherColumns = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final AtomicInteger ids = new AtomicInteger(1);

  private ColumnPlan(Types.StructType table) {
    this.table = table;
  }

  static ColumnPlan of(Types.StructType table, Schema record) {
    ColumnPlan plan = new ColumnPlan(table);
    for (Types.NestedField column : table.fields()) {
      KindComment comment = KindComment.parse(column.doc());
      plan.taken.add(folded(column.name()));
      if (comment.source != null) {
        plan.furtherColumns.put(key(comment.source, comment.kind), column.name());
      }
    }
    List<Field> others = new ArrayList<>();
    for (Field field : record.fields()) {
      if (!plan.usesOwnColumn(field)) {
        others.add(field);
      }
    }
    // After all others, whose names must not be taken.
    others.forEach(plan::useFurtherColumn);
    return plan;
  }

  boolean changesTable() {
    return !added.isEmpty() || !comments.isEmpty();
  }

  /** Plans the column of a field's name; returns whether it can hold the field's values. */
  private boolean usesOwnColumn(Field field) {
    String name = field.name();
    String kind = ColumnKind.of(field.schema());
    Types.NestedField column = table.field(name);
    if (column == null) {
      // Athena and Spark do not distinguish columns by case.
      boolean isFree =
          !furtherColumns.containsKey(key(name, kind)) && taken.add(folded(name));
      if (isFree) {
        String comment = KindComment.of(null, kind, null);
        added.add(
            Types.NestedField.optional(
                ids.getAndIncrement(), name, IcebergTypes.of(field.schema(), ids), comment));
      }
      return isFree;
    }
    KindComment comment = KindComment.parse(column.doc());
    if (comment.kind != null) {
      return comment.source == null && comment.kind.equals(kind);
    }
    if (!IcebergTypes.fits(column.type(), field.schema(), kind)) {
      return false;
    }
    comments.put(name, KindComment.of(column.doc(), kind, null));
    return true;
  }

  private void useFurtherColumn(Field field) {
    String kind = ColumnKind.of(field.schema());
    String column = furtherColumns.get(key(field.name(), kind));
    if (column == null) {
      column = freeName(field.name() + "__" + kind);
      added.add(
          Types.NestedField.optional(
              ids.getAndIncrement(),
              column,
              IcebergTypes.widest(field.schema(), kind, ids),
              KindComment.of(null, kind, field.name())));
    }
    renamed.put(field.name(), column);
  }

  private String freeName(String wanted) {
    String name = wanted;
    for (int number = 2; !taken.add(folded(name)); number++) {
      name = wanted + "_" + number;
    }
    return name;
  }

  private static String folded(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static String key(String source, String kind) {
    return kind + " " + source;
  }
}
