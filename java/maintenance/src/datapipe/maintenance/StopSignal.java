package datapipe.maintenance;

import java.util.concurrent.CountDownLatch;

/** Whether the process got a SIGTERM; it then ends between two steps. */
final class StopSignal implements AutoCloseable {
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile boolean isStopped;

  /** Let a SIGTERM, or System.exit, wait until the signal is closed. */
  static StopSignal ofThisProcess() {
    StopSignal signal = new StopSignal();
    Runtime.getRuntime().addShutdownHook(new Thread(signal::stop));
    return signal;
  }

  /** The work has ended. */
  @Override
  public void close() {
    closed.countDown();
  }

  private void stop() {
    isStopped = true;
    try {
      closed.await();
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
