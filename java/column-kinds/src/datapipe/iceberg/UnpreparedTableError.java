package datapipe.iceberg;

/**
 * A table can't be given the columns that its records need.
 *
 * <p>An Error, since Connect makes a dead letter of a record whose transform throws an Exception. The
 * record is not to blame here, and is read again when the task restarts.
 */
public class UnpreparedTableError extends Error {
  public UnpreparedTableError(String message, Throwable cause) {
    super(message + ": " + cause.getMessage(), cause);
  }
}
