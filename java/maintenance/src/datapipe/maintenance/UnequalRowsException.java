package datapipe.maintenance;

/** Rows that were read and those that were written for them differ, so they are not committed. */
final class UnequalRowsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnequalRowsException(String message) {
    super(message);
  }
}
