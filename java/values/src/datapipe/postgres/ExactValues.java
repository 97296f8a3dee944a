package datapipe.postgres;

import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import io.debezium.time.MicroTimestamp;
import io.debezium.time.ZonedTimestamp;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import java.util.function.Function;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.errors.DataException;

/**
 * Converts the types whose values Debezium changes, or leaves out, so that each arrives exactly.
 *
 * <p>Dates and timestamps become the numbers that Debezium makes of them, and all other types in
 * question become text as PostgreSQL writes it. A row that the table had before and a row that is
 * changed later reach Debezium as different Java objects; both come out alike here. A value that
 * cannot be converted exactly fails the task.
 *
 * <p>Fields are optional even where the column is NOT NULL, because the old row of a delete holds
 * nothing but the key under REPLICA IDENTITY DEFAULT.
 */
public class ExactValues implements CustomConverter<SchemaBuilder, RelationalColumn> {
  private static final int ARRAY = java.sql.Types.ARRAY;

  // OIDs of pg_type, which are the same in every database.
  private static final int DATE = 1082;
  private static final int TIMESTAMP = 1114;
  private static final int TIMESTAMPTZ = 1184;
  private static final int INTERVAL = 1186;
  private static final int NUMERIC = 1700;
  private static final int MONEY = 790;
  private static final int VARBIT = 1562;

  /** lseg, path, box, polygon, line and circle. */
  private static final Set<Integer> GEOMETRIC = Set.of(601, 602, 603, 604, 628, 718);

  /**
   * Names of the schemas of text that is not the one that PostgreSQL writes, so that the archive
   * does not mix the two in a column whose type changes.
   */
  private static final String MONEY_SCHEMA = "datapipe.postgres.Money";
  private static final String GEOMETRIC_SCHEMA = "datapipe.postgres.Geometric";

  /** Types that Debezium converts exactly, by the OID of the type or of a domain's base type. */
  private static final Set<Integer> LEFT_TO_DEBEZIUM =
      Set.of(
          16, 17, 18, 20, 21, 23, 25, 26, // bool, bytea, "char", int8, int2, int4, text, oid
          114, 142, 600, 650, 700, 701, // json, xml, point, cidr, float4, float8
          774, 829, 869, 1042, 1043, 1083, 1266, // macaddr8, macaddr, inet, char, varchar, time(tz)
          1560, 2950, 3802, // bit, uuid, jsonb
          3904, 3906, 3908, 3910, 3912, 3926); // ranges

  /** Types of extensions that Debezium knows by name; their OIDs differ between databases. */
  private static final Set<String> LEFT_BY_NAME = Set.of("hstore", "geometry", "geography");

  private static final Map<Integer, Function<Object, Object>> TEXTS =
      Map.of(
          INTERVAL, PostgresText::interval,
          NUMERIC, PostgresText::numeric);

  @Override
  public void configure(Properties settings) {
    // The driver reads timestamps of existing rows in the JVM's time zone: an hour that daylight
    // saving time skips there would be moved.
    TimeZone zone = TimeZone.getDefault();
    if (zone.getRawOffset() != 0 || zone.useDaylightTime()) {
      throw new DataException(
          "the worker's time zone is " + zone.getID() + "; set TZ=UTC, or timestamps change");
    }
  }

  @Override
  public void converterFor(RelationalColumn column, ConverterRegistration<SchemaBuilder> register) {
    int type = column.nativeType();
    if (column.jdbcType() == ARRAY) {
      text(column, register, PostgresText::of);
    } else if (type == DATE) {
      exact(column, register, io.debezium.time.Date.builder(), Times::days);
    } else if (type == TIMESTAMP) {
      exact(column, register, MicroTimestamp.builder(), Times::microseconds);
    } else if (type == TIMESTAMPTZ) {
      int digits = column.scale().orElse(6);
      exact(column, register, ZonedTimestamp.builder(), value -> Times.zoned(value, digits));
    } else if (type == MONEY) {
      exact(column, register, SchemaBuilder.string().name(MONEY_SCHEMA), PostgresText::money);
    } else if (GEOMETRIC.contains(type)) {
      exact(column, register, SchemaBuilder.string().name(GEOMETRIC_SCHEMA), PostgresText::of);
    } else if (TEXTS.containsKey(type)) {
      text(column, register, TEXTS.get(type));
    } else if (!LEFT_TO_DEBEZIUM.contains(type) && !LEFT_BY_NAME.contains(column.typeName())) {
      text(column, register, PostgresText::of);
    }
  }

  /**
   * The class of a column's default, which Debezium converts in its own way before it asks for the
   * field's: no row's value of these types is one of these objects.
   *
   * <p>A default is of no use to a reader: NullableColumns takes it out of the schema, as NULL would
   * be read as the default otherwise.
   */
  private static final Map<Integer, Class<?>> DEFAULTS =
      Map.of(
          DATE, Integer.class,
          TIMESTAMP, Long.class,
          INTERVAL, Long.class,
          VARBIT, byte[].class);

  private static boolean isDefault(RelationalColumn column, Object value) {
    Class<?> type = DEFAULTS.get(column.nativeType());
    return type != null && type.isInstance(value);
  }

  private static void text(
      RelationalColumn column,
      ConverterRegistration<SchemaBuilder> register,
      Function<Object, Object> convert) {
    exact(column, register, SchemaBuilder.string(), convert);
  }

  private static void exact(
      RelationalColumn column,
      ConverterRegistration<SchemaBuilder> register,
      SchemaBuilder schema,
      Function<Object, Object> convert) {
    register.register(
        schema.optional(),
        value -> {
          if (value == null || isDefault(column, value)) {
            return null;
          }
          if (UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(value)) {
            return "__debezium_unavailable_value";
          }
          try {
            return convert.apply(value);
          } catch (RuntimeException error) {
            throw new InexactValueError(
                String.format(
                    "column %s of %s, type %s: %s; take the column out with"
                        + " datapipe:source.excludedColumns",
                    column.name(), column.dataCollection(), column.typeName(), error.getMessage()),
                error);
          }
        });
  }
}
