package datapipe.postgres;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Values of keys, as this connector writes them into records, as literals of PostgreSQL.
 *
 * <p>Only types whose values come back exactly are here; all others have no literal.
 */
final class KeyLiterals {
  // OIDs of pg_type, which are the same in every database.
  private static final int BOOLEAN = 16;
  private static final int DATE = 1082;
  private static final int TIMESTAMP = 1114;
  private static final int TIMESTAMPTZ = 1184;
  /** int8, int2 and int4. */
  private static final Set<Integer> INTEGERS = Set.of(20, 21, 23);
  /** text, char, varchar, numeric and uuid. */
  private static final Set<Integer> TEXTS = Set.of(25, 1042, 1043, 1700, 2950);

  private static final Pattern ZONED = Pattern.compile("([+-]?\\d+)-(\\d\\d-\\d\\d)T(.*)Z");

  private KeyLiterals() {}

  static boolean has(int type) {
    return type == BOOLEAN || type == DATE || type == TIMESTAMP || type == TIMESTAMPTZ
        || INTEGERS.contains(type) || TEXTS.contains(type);
  }

  /** Returns the literal of a value; empty if it is not one that a record has for the type. */
  static Optional<String> of(int type, String typeName, Object value) {
    return text(type, value).map(text -> "CAST(" + quoted(text) + " AS " + typeName + ")");
  }

  private static Optional<String> text(int type, Object value) {
    if (value instanceof Number) {
      long number = ((Number) value).longValue();
      if (INTEGERS.contains(type)) {
        return Optional.of(Long.toString(number));
      }
      if (type == DATE) {
        return Optional.of(date(number));
      }
      return type == TIMESTAMP ? Optional.of(timestamp(number)) : Optional.empty();
    }
    if (value instanceof Boolean) {
      return type == BOOLEAN ? Optional.of(value.toString()) : Optional.empty();
    }
    if (!(value instanceof String)) {
      return Optional.empty();
    }
    if (TEXTS.contains(type)) {
      return Optional.of((String) value);
    }
    return type == TIMESTAMPTZ ? Optional.of(zoned((String) value)) : Optional.empty();
  }

  private static String date(long days) {
    if (days == Integer.MAX_VALUE) {
      return "infinity";
    }
    if (days == Integer.MIN_VALUE) {
      return "-infinity";
    }
    LocalDate date = LocalDate.ofEpochDay(days);
    return inEra(date.getYear(), String.format("%02d-%02d", date.getMonthValue(),
        date.getDayOfMonth()));
  }

  private static String timestamp(long microseconds) {
    if (microseconds == Long.MAX_VALUE) {
      return "infinity";
    }
    if (microseconds == Long.MIN_VALUE) {
      return "-infinity";
    }
    LocalDateTime time =
        LocalDateTime.ofInstant(Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS), ZoneOffset.UTC);
    return inEra(time.getYear(), String.format("%02d-%02d %02d:%02d:%02d.%06d",
        time.getMonthValue(), time.getDayOfMonth(), time.getHour(), time.getMinute(),
        time.getSecond(), time.getNano() / 1000));
  }

  /** Reads what Times.zoned writes. */
  private static String zoned(String value) {
    Matcher parts = ZONED.matcher(value);
    return parts.matches()
        ? inEra(Integer.parseInt(parts.group(1)), parts.group(2) + " " + parts.group(3) + "+00")
        : value; // infinity
  }

  /** The year before 1 is 1 BC. */
  private static String inEra(int year, String rest) {
    return year > 0
        ? String.format("%04d-%s", year, rest)
        : String.format("%04d-%s BC", 1 - year, rest);
  }

  private static String quoted(String text) {
    return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'";
  }
}
