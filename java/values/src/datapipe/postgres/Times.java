package datapipe.postgres;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.TimeZone;

/**
 * Dates and timestamps of PostgreSQL's calendar, which is Gregorian for all times.
 *
 * <p>The driver's objects for rows that a table had before (java.sql.Date, Timestamp) count days
 * before 15 October 1582 in the Julian calendar; their year, month and day are PostgreSQL's. Ten
 * days of October 1582 have no such object: the check of the tables (components/source) refuses
 * rows that hold one. Infinity is the largest number, as PostgreSQL itself stores it.
 */
final class Times {
  /** org.postgresql.PGStatement.DATE_POSITIVE_INFINITY and DATE_NEGATIVE_INFINITY, in ms. */
  private static final long DRIVER_INFINITY = 9223372036825200000L;

  private static final long DRIVER_MINUS_INFINITY = -9223372036832400000L;

  /** What Debezium's own parser of a change makes of an infinite date: the same, cast to days. */
  private static final LocalDate INFINITE_DATE = LocalDate.of(-5877611, 6, 21);

  private static final LocalDate MINUS_INFINITE_DATE = LocalDate.of(-5877611, 6, 22);

  private static final Instant INFINITE_INSTANT = ofMicroseconds(DRIVER_INFINITY);
  private static final Instant MINUS_INFINITE_INSTANT = ofMicroseconds(DRIVER_MINUS_INFINITY);

  private Times() {}

  /** Days since 1970-01-01; Integer.MAX_VALUE and MIN_VALUE for infinity and -infinity. */
  static Object days(Object value) {
    if (value instanceof LocalDate) {
      LocalDate date = (LocalDate) value;
      if (date.equals(INFINITE_DATE)) {
        return Integer.MAX_VALUE;
      }
      return date.equals(MINUS_INFINITE_DATE)
          ? Integer.MIN_VALUE
          : Math.toIntExact(date.toEpochDay());
    }
    java.sql.Date date = PostgresText.expect(value, java.sql.Date.class);
    if (date.getTime() == DRIVER_INFINITY) {
      return Integer.MAX_VALUE;
    }
    if (date.getTime() == DRIVER_MINUS_INFINITY) {
      return Integer.MIN_VALUE;
    }
    return Math.toIntExact(gregorian(date.getTime(), 0).toLocalDate().toEpochDay());
  }

  /** Microseconds since 1970-01-01; Long.MAX_VALUE and MIN_VALUE for infinity and -infinity. */
  static Object microseconds(Object value) {
    if (value instanceof Instant) {
      Instant instant = (Instant) value;
      if (instant.equals(INFINITE_INSTANT)) {
        return Long.MAX_VALUE;
      }
      return instant.equals(MINUS_INFINITE_INSTANT) ? Long.MIN_VALUE : microsecondsOf(instant);
    }
    java.sql.Timestamp stamp = PostgresText.expect(value, java.sql.Timestamp.class);
    if (stamp.getTime() == DRIVER_INFINITY) {
      return Long.MAX_VALUE;
    }
    if (stamp.getTime() == DRIVER_MINUS_INFINITY) {
      return Long.MIN_VALUE;
    }
    LocalDateTime time = gregorian(stamp.getTime(), stamp.getNanos());
    return microsecondsOf(time.toInstant(ZoneOffset.UTC));
  }

  /** ISO 8601 in UTC with that many digits of a second, or infinity as PostgreSQL writes it. */
  static Object zoned(Object value, int digits) {
    if (value instanceof String) {
      return value; // the column's default
    }
    if (value instanceof OffsetDateTime) {
      OffsetDateTime time = (OffsetDateTime) value;
      long milliseconds = time.toInstant().toEpochMilli();
      if (milliseconds == DRIVER_INFINITY) {
        return "infinity";
      }
      return milliseconds == DRIVER_MINUS_INFINITY
          ? "-infinity"
          : iso(time.withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime(), digits);
    }
    java.sql.Timestamp stamp = PostgresText.expect(value, java.sql.Timestamp.class);
    if (stamp.getTime() == DRIVER_INFINITY) {
      return "infinity";
    }
    if (stamp.getTime() == DRIVER_MINUS_INFINITY) {
      return "-infinity";
    }
    return iso(gregorian(stamp.getTime(), stamp.getNanos()), digits);
  }

  private static String iso(LocalDateTime time, int digits) {
    DateTimeFormatterBuilder format =
        new DateTimeFormatterBuilder()
            .append(DateTimeFormatter.ISO_LOCAL_DATE)
            .appendPattern("'T'HH:mm:ss");
    if (digits > 0) {
      format.appendFraction(ChronoField.NANO_OF_SECOND, digits, digits, true);
    }
    return format.appendLiteral('Z').toFormatter().format(time);
  }

  /** The year, month, day and time that the driver put into a java.util.Date, in UTC. */
  private static LocalDateTime gregorian(long milliseconds, int nanoseconds) {
    Calendar calendar = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
    calendar.setTimeInMillis(milliseconds);
    int year = calendar.get(Calendar.YEAR);
    LocalDate date =
        LocalDate.of(
            calendar.get(Calendar.ERA) == GregorianCalendar.BC ? 1 - year : year,
            calendar.get(Calendar.MONTH) + 1,
            calendar.get(Calendar.DAY_OF_MONTH));
    LocalTime time =
        LocalTime.of(
            calendar.get(Calendar.HOUR_OF_DAY),
            calendar.get(Calendar.MINUTE),
            calendar.get(Calendar.SECOND),
            nanoseconds);
    return date.atTime(time);
  }

  private static long microsecondsOf(Instant instant) {
    try {
      long seconds = Math.multiplyExact(instant.getEpochSecond(), 1_000_000L);
      return Math.addExact(seconds, instant.getNano() / 1000);
    } catch (ArithmeticException overflow) {
      throw new ArithmeticException(
          instant + " does not fit into microseconds since 1970, which end in the year 294247");
    }
  }

  private static Instant ofMicroseconds(long microseconds) {
    long seconds = Math.floorDiv(microseconds, 1_000_000L);
    return Instant.ofEpochSecond(seconds, Math.floorMod(microseconds, 1_000_000L) * 1000);
  }
}
