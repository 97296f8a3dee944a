package datapipe.connect;

/**
 * Stops a task that can't convert a record because Schema Registry is unavailable.
 *
 * <p>It is an Error because a task with errors.tolerance=all would send the record to the dead letter
 * queue for any Exception, and commit its offset. RestartFailed restarts the task.
 */
class RegistryUnavailableError extends Error {
  private static final long serialVersionUID = 1;

  RegistryUnavailableError(String message, Throwable cause) {
    super(message, cause);
  }
}
