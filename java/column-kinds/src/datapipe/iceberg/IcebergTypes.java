package datapipe.iceberg;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** The Iceberg types of fields, as Iceberg's sink chooses them (its SchemaUtils is not public). */
final class IcebergTypes {
  private static final int LARGEST_PRECISION = 38;

  private IcebergTypes() {}

  /** The type of a column; `ids` numbers the fields of nested types. */
  static Type of(Schema schema, AtomicInteger ids) {
    String name = schema.name();
    switch (schema.type()) {
      case BOOLEAN:
        return Types.BooleanType.get();
      case INT8:
      case INT16:
        return Types.IntegerType.get();
      case INT32:
        if (Date.LOGICAL_NAME.equals(name)) {
          return Types.DateType.get();
        }
        return Time.LOGICAL_NAME.equals(name) ? Types.TimeType.get() : Types.IntegerType.get();
      case INT64:
        return Timestamp.LOGICAL_NAME.equals(name)
            ? Types.TimestampType.withZone()
            : Types.LongType.get();
      case FLOAT32:
        return Types.FloatType.get();
      case FLOAT64:
        return Types.DoubleType.get();
      case BYTES:
        if (Decimal.LOGICAL_NAME.equals(name)) {
          int scale = Integer.parseInt(schema.parameters().get(Decimal.SCALE_FIELD));
          return Types.DecimalType.of(LARGEST_PRECISION, scale);
        }
        return Types.BinaryType.get();
      case ARRAY:
        return Types.ListType.ofOptional(ids.getAndIncrement(), of(schema.valueSchema(), ids));
      case MAP:
        return Types.MapType.ofOptional(
            ids.getAndIncrement(),
            ids.getAndIncrement(),
            of(schema.keySchema(), ids),
            of(schema.valueSchema(), ids));
      case STRUCT:
        List<Types.NestedField> fields = new ArrayList<>();
        for (Field field : schema.fields()) {
          fields.add(
              Types.NestedField.optional(
                  ids.getAndIncrement(), field.name(), of(field.schema(), ids)));
        }
        return Types.StructType.of(fields);
      default:
        return "uuid".equals(name) ? Types.UUIDType.get() : Types.StringType.get();
    }
  }

  /** The type of a column that can hold every value of a kind. */
  static Type widest(Schema schema, String kind, AtomicInteger ids) {
    switch (kind) {
      case ColumnKind.INTEGER:
        return Types.LongType.get();
      case ColumnKind.FLOAT:
        return Types.DoubleType.get();
      default:
        return of(schema, ids);
    }
  }

  /** Whether a column of unknown kind can have been made for such a field. */
  static boolean fits(Type column, Schema schema, String kind) {
    switch (kind) {
      case ColumnKind.INTEGER:
        return column.typeId() == Type.TypeID.INTEGER || column.typeId() == Type.TypeID.LONG;
      case ColumnKind.FLOAT:
        return column.typeId() == Type.TypeID.FLOAT || column.typeId() == Type.TypeID.DOUBLE;
      default:
        return isAlike(column, of(schema, new AtomicInteger(1)));
    }
  }

  /** Whether two types are equal except for the numbers of their fields. */
  private static boolean isAlike(Type one, Type other) {
    if (one.isPrimitiveType() || one.typeId() != other.typeId()) {
      return one.equals(other);
    }
    List<Types.NestedField> fields = one.asNestedType().fields();
    List<Types.NestedField> others = other.asNestedType().fields();
    if (fields.size() != others.size()) {
      return false;
    }
    for (int i = 0; i < fields.size(); i++) {
      boolean isSame = fields.get(i).name().equals(others.get(i).name());
      if (!isSame || !isAlike(fields.get(i).type(), others.get(i).type())) {
        return false;
      }
    }
    return true;
  }
}
