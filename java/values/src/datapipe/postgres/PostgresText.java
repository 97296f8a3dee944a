package datapipe.postgres;

import io.debezium.data.SpecialValueDecimal;
import java.math.BigDecimal;
import java.math.RoundingMode;
import org.postgresql.util.PGInterval;
import org.postgresql.util.PGobject;

/** Values as the text that PostgreSQL itself writes. */
final class PostgresText {
  /** Up to here a double, which the driver makes of money, differs for every amount of cents. */
  private static final double LARGEST_EXACT_MONEY = (1L << 53) / 100.0;

  private PostgresText() {}

  /** The text of a value that the driver or Debezium hands on as PostgreSQL wrote it. */
  static Object of(Object value) {
    if (value instanceof String) {
      return value;
    }
    if (value instanceof java.sql.Array) {
      return value.toString();
    }
    return expect(value, PGobject.class).getValue();
  }

  /** A decimal number with the digits that PostgreSQL has for it, or NaN or an infinity. */
  static Object numeric(Object value) {
    if (value instanceof String) {
      return value; // the column's default
    }
    SpecialValueDecimal number = expect(value, SpecialValueDecimal.class);
    if (number.getDecimalValue().isPresent()) {
      return number.getDecimalValue().get().toPlainString();
    }
    double special = number.toDouble();
    if (Double.isNaN(special)) {
      return "NaN";
    }
    return special > 0 ? "Infinity" : "-Infinity";
  }

  /** An amount with two decimals, without the currency's sign. */
  static Object money(Object value) {
    BigDecimal amount;
    if (value instanceof BigDecimal) {
      amount = (BigDecimal) value;
    } else {
      double number = expect(value, Double.class);
      if (Math.abs(number) >= LARGEST_EXACT_MONEY) {
        throw new ArithmeticException(
            "an existing row has about " + number + ", which the driver rounds to a double");
      }
      amount = BigDecimal.valueOf(number);
    }
    try {
      return amount.setScale(2, RoundingMode.UNNECESSARY).toPlainString();
    } catch (ArithmeticException rounded) {
      throw new ArithmeticException(amount.toPlainString() + " has more than two decimals");
    }
  }

  /** PostgreSQL's IntervalStyle postgres: months, days and time apart, since no unit is another. */
  static Object interval(Object value) {
    PGInterval interval = expect(value, PGInterval.class);
    StringBuilder text = new StringBuilder();
    boolean negative = part(text, interval.getYears(), "year", false);
    negative = part(text, interval.getMonths(), "mon", negative);
    negative = part(text, interval.getDays(), "day", negative);
    int hours = interval.getHours();
    int minutes = interval.getMinutes();
    int seconds = interval.getWholeSeconds();
    int microseconds = interval.getMicroSeconds();
    boolean isZero = (hours | minutes | seconds | microseconds) == 0;
    if (isZero && text.length() > 0) {
      return text.toString();
    }
    String sign = negative ? "+" : "";
    if (hours < 0 || minutes < 0 || seconds < 0 || microseconds < 0) {
      sign = "-";
    }
    text.append(text.length() == 0 ? "" : " ")
        .append(sign)
        .append(
            String.format(
                "%02d:%02d:%02d", Math.abs((long) hours), Math.abs(minutes), Math.abs(seconds)));
    if (microseconds != 0) {
      text.append(String.format(".%06d", Math.abs(microseconds)).replaceAll("0+$", ""));
    }
    return text.toString();
  }

  /** Appends one unit, where there is any of it; returns whether the last unit was negative. */
  private static boolean part(StringBuilder text, int count, String unit, boolean negative) {
    if (count == 0) {
      return negative;
    }
    text.append(text.length() == 0 ? "" : " ")
        .append(negative && count > 0 ? "+" : "")
        .append(count)
        .append(' ')
        .append(unit)
        .append(count == 1 ? "" : "s");
    return count < 0;
  }

  static <T> T expect(Object value, Class<T> type) {
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          "expected " + type.getName() + " and was given " + value.getClass().getName());
    }
    return type.cast(value);
  }
}
