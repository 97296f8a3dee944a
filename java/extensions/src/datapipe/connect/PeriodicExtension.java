package datapipe.connect;

import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.health.AbstractState;
import org.apache.kafka.connect.health.ConnectClusterState;
import org.apache.kafka.connect.rest.ConnectRestExtension;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;

/** An extension of a worker that looks at its own connectors again and again, in a thread. */
abstract class PeriodicExtension implements ConnectRestExtension {
  private final int seconds;
  private final ScheduledExecutorService schedule;
  private String workerId;

  /** Looks every so many seconds, in a thread of this name. */
  PeriodicExtension(String thread, int seconds) {
    this.seconds = seconds;
    schedule = Executors.newSingleThreadScheduledExecutor(work -> daemon(work, thread));
  }

  /** Looks once. What it throws ends the extension. */
  abstract void look(ConnectClusterState cluster);

  /** The worker's name in the states of connectors and tasks, and the address of its REST API. */
  final String workerId() {
    return workerId;
  }

  final boolean isOurs(AbstractState part) {
    return workerId.equals(part.workerId());
  }

  @Override
  public void configure(Map<String, ?> worker) {
    workerId =
        worker.get("rest.advertised.host.name") + ":" + worker.get("rest.advertised.port");
  }

  @Override
  public void register(ConnectRestExtensionContext context) {
    ConnectClusterState cluster = context.clusterState();
    schedule.scheduleWithFixedDelay(() -> look(cluster), seconds, seconds, TimeUnit.SECONDS);
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public void close() {
    schedule.shutdownNow();
  }

  @Override
  public String version() {
    return "1";
  }
}
