package datapipe.maintenance;

/** Whether the process got a SIGTERM; it then does so between two steps. */
final class StopSignal {
  private volatile boolean isStopped;

  /** Let a SIGTERM wait until the calling thread has ended. */
  static StopSignal ofThisProcess() {
    StopSignal signal = new StopSignal();
    Thread worker = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> signal.stop(worker)));
    return signal;
  }

  private void stop(Thread worker) {
    isStopped = true;
    try {
      worker.join();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Return unless the process has to stop.
   *
   * @throws StoppedException if it has to
   */
  void check() {
    if (isStopped) {
      throw new StoppedException();
    }
  }

  /** The process got a SIGTERM. */
  static final class StoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoppedException() {
      super("stopped; the next run goes on");
    }
  }
}
