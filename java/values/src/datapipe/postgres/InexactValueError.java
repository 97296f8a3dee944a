package datapipe.postgres;

/**
 * A value that cannot be archived as it is. It fails the task.
 *
 * <p>An Error, because Debezium catches every exception of a converter, logs it, and puts NULL
 * where the value was.
 */
public class InexactValueError extends Error {
  private static final long serialVersionUID = 1L;

  InexactValueError(String message, Throwable cause) {
    super(message, cause);
  }
}
