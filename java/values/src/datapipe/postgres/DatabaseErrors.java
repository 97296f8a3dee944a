package datapipe.postgres;

import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Which errors of the database fail a task.
 *
 * <p>Debezium starts its work again after any, forever, and the task is RUNNING meanwhile. A task that
 * fails is started again as well, by the worker, and its state says why it captures nothing.
 */
final class DatabaseErrors {
  /** The SQLSTATE classes with which PostgreSQL and its driver report a lost connection. */
  private static final List<String> AWAY = List.of("08", "57P");
  /**
   * Those of errors that soon pass: deadlocks, "too many connections", slots and locks that others
   * hold, such as the server's process of a worker that died.
   */
  private static final List<String> PASSING = List.of("40", "53300", "55006", "55P03");
  /** Those of a query of rows whose table or column was renamed after the snapshot began. */
  private static final List<String> RENAMED = List.of("42P01", "42703");
  /** For how long the errors that pass are expected to. */
  private static final long PASSING_NANOS = TimeUnit.MINUTES.toNanos(2);

  private boolean hasFailed;
  private long firstFailure;
  private long lastFailure;

  /** Returns whether the server can't be reached, restarts or recovers. */
  static boolean isAway(SQLException error) {
    return is(error, AWAY);
  }

  /** Takes note that records came, so that an error is the first one again. */
  void passed() {
    hasFailed = false;
  }

  /** Returns the error of a task that was reading rows. */
  ConnectException reading(RetriableException error) {
    SQLException answer = answer(error);
    boolean isRetried = answer == null || UnchangedTable.isAltered(answer)
        || isRetried(answer) || is(answer, RENAMED) && isFresh();
    return isRetried ? error : new ConnectException("the database refuses to send the rows", answer);
  }

  /** Returns the error of a task that was capturing changes. */
  ConnectException streaming(RetriableException error) {
    SQLException answer = answer(error);
    return answer == null || isRetried(answer) ? error
        : new ConnectException("the database refuses to send the changes", answer);
  }

  private boolean isRetried(SQLException error) {
    return error.getSQLState() == null || isAway(error) || is(error, PASSING) && isFresh();
  }

  /** Returns whether an error has not come again and again for too long. */
  private boolean isFresh() {
    return isFreshAt(System.nanoTime());
  }

  boolean isFreshAt(long now) {
    if (!hasFailed || now - lastFailure > PASSING_NANOS) {
      hasFailed = true;
      firstFailure = now;
    }
    lastFailure = now;
    return now - firstFailure <= PASSING_NANOS;
  }

  private static SQLException answer(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException) {
        return (SQLException) cause;
      }
    }
    return null;
  }

  private static boolean is(SQLException error, List<String> states) {
    return states.stream().anyMatch(String.valueOf(error.getSQLState())::startsWith);
  }
}
