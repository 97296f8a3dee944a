package datapipe.maintenance;

import java.util.Comparator;
import java.util.List;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.SortOrderComparators;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Types;

/** The order of the rows in a compacted file: by the key, then by the position in the WAL. */
final class RowOrder {
  private static final String LSN = "__source_lsn";

  private RowOrder() {}

  static Comparator<Record> of(Schema schema, List<String> key) {
    SortOrder.Builder builder = SortOrder.builderFor(schema);
    key.stream().filter(column -> isSortable(schema, column)).forEach(builder::asc);
    if (isSortable(schema, LSN)) {
      builder.asc(LSN);
    }
    SortOrder order = builder.build();
    if (order.isUnsorted()) {
      return (left, right) -> 0;
    }
    Comparator<StructLike> comparator = SortOrderComparators.forSchema(schema, order);
    InternalRecordWrapper left = new InternalRecordWrapper(schema.asStruct());
    InternalRecordWrapper right = new InternalRecordWrapper(schema.asStruct());
    return (one, other) -> comparator.compare(left.wrap(one), right.wrap(other));
  }

  private static boolean isSortable(Schema schema, String column) {
    Types.NestedField field = schema.asStruct().field(column);
    return field != null && field.type().isPrimitiveType();
  }
}
