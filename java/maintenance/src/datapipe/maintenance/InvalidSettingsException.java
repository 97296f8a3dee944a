package datapipe.maintenance;

/** A property is missing or not allowed. */
final class InvalidSettingsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InvalidSettingsException(String message) {
    super(message);
  }
}
