package datapipe.maintenance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;

/** Rows of every type that an archive's table can have, with NULLs and the edges of each type. */
final class RandomRows {
  static final String TIME = "__source_ts_ms";
  static final Schema SCHEMA =
      new Schema(
          Types.NestedField.optional(1, "id", Types.LongType.get()),
          Types.NestedField.optional(2, "name", Types.StringType.get()),
          Types.NestedField.optional(3, "flag", Types.BooleanType.get()),
          Types.NestedField.optional(4, "small", Types.IntegerType.get()),
          Types.NestedField.optional(5, "single", Types.FloatType.get()),
          Types.NestedField.optional(6, "number", Types.DoubleType.get()),
          Types.NestedField.optional(7, "bytes", Types.BinaryType.get()),
          Types.NestedField.optional(8, "amount", Types.DecimalType.of(38, 9)),
          Types.NestedField.optional(9, "day", Types.DateType.get()),
          Types.NestedField.optional(10, "at", Types.TimeType.get()),
          Types.NestedField.optional(
              11,
              "point",
              Types.StructType.of(
                  Types.NestedField.optional(12, "x", Types.DoubleType.get()),
                  Types.NestedField.optional(13, "wkb", Types.BinaryType.get()))),
          Types.NestedField.optional(
              14, "tags", Types.ListType.ofOptional(15, Types.StringType.get())),
          Types.NestedField.optional(
              16,
              "pairs",
              Types.MapType.ofOptional(17, 18, Types.StringType.get(), Types.LongType.get())),
          Types.NestedField.optional(19, "uid", Types.UUIDType.get()),
          Types.NestedField.optional(20, "__op", Types.StringType.get()),
          Types.NestedField.optional(21, "__source_lsn", Types.LongType.get()),
          Types.NestedField.optional(22, TIME, Types.TimestampType.withZone()));
  private static final String[] TEXTS = {"", "a", "ä€\uD83D\uDE00", "\u0001\u0000", "NULL", "'\"\\"};
  private static final double[] NUMBERS = {
    0.0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.MIN_VALUE, -1.7976931348623157E308
  };

  private final Random random;
  private long lsn;

  RandomRows(long seed) {
    random = new Random(seed);
  }

  /** Rows whose changes were committed so many hours ago; `hoursAgo` below 0: at no known time. */
  List<Record> rows(int count, int hoursAgo) {
    List<Record> rows = new ArrayList<>();
    Instant hour =
        Instant.now().truncatedTo(ChronoUnit.HOURS).minus(hoursAgo, ChronoUnit.HOURS);
    for (int i = 0; i < count; i++) {
      Record row = GenericRecord.create(SCHEMA);
      for (Types.NestedField field : SCHEMA.columns()) {
        row.setField(field.name(), random.nextInt(8) == 0 ? null : value(field.type()));
      }
      row.setField("id", (long) random.nextInt(50));
      row.setField("__source_lsn", ++lsn);
      Object time = hour.plus(random.nextInt(1_000_000), ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
      row.setField(TIME, hoursAgo < 0 ? null : time);
      rows.add(row);
    }
    return rows;
  }

  static StructLike partition(Table table, Record row) {
    PartitionKey key = new PartitionKey(table.spec(), table.schema());
    key.partition(new InternalRecordWrapper(table.schema().asStruct()).wrap(row));
    return key;
  }

  private Object value(Type type) {
    switch (type.typeId()) {
      case BOOLEAN:
        return random.nextBoolean();
      case INTEGER:
        return random.nextBoolean() ? random.nextInt() : Integer.MIN_VALUE;
      case LONG:
        return random.nextBoolean() ? random.nextLong() : Long.MAX_VALUE;
      case FLOAT:
        return random.nextBoolean() ? random.nextFloat() : (float) NUMBERS[random.nextInt(4)];
      case DOUBLE:
        return random.nextBoolean() ? random.nextDouble() : NUMBERS[random.nextInt(6)];
      case BINARY:
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
      case DECIMAL:
        return new BigDecimal(new BigInteger(120, random), 9);
      case DATE:
        return LocalDate.ofEpochDay(random.nextInt(3_000_000) - 700_000);
      case TIME:
        return LocalTime.ofNanoOfDay(random.nextInt(86_400_000) * 1_000_000L + 1000);
      case TIMESTAMP:
        return Instant.now().truncatedTo(ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
      case UUID:
        return new UUID(random.nextLong(), random.nextLong());
      case STRUCT:
        Record struct = GenericRecord.create(type.asStructType());
        for (Types.NestedField field : type.asStructType().fields()) {
          struct.setField(field.name(), random.nextInt(4) == 0 ? null : value(field.type()));
        }
        return struct;
      case LIST:
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(random.nextInt(4) == 0 ? null : value(type.asListType().elementType()));
        }
        return list;
      case MAP:
        Map<Object, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put("k" + random.nextInt(9), random.nextInt(4) == 0 ? null : random.nextLong());
        }
        return map;
      default:
        return TEXTS[random.nextInt(TEXTS.length)] + random.nextInt(100);
    }
  }
}
