package datapipe.connect;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.connect.health.AbstractState;
import org.apache.kafka.connect.health.ConnectClusterState;
import org.apache.kafka.connect.health.ConnectorHealth;
import org.apache.kafka.connect.health.TaskState;
import org.apache.kafka.connect.rest.ConnectRestExtensionContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restarts failed connectors and tasks, soon at first, then every minute.
 *
 * <p>Kafka Connect does not restart a FAILED task, whatever the reason: after an hour without S3 the
 * sink would stay stopped until an operator restarts it. Each worker restarts its own connectors and
 * tasks only, so a cluster of workers restarts none of them twice.
 *
 * <p>A connector or task that stays UNASSIGNED to this worker counts as failed, too. If the brokers
 * were unavailable during a rebalance, a late shutdown status can overwrite that of the restarted
 * connector, which then reads UNASSIGNED forever.
 */
public class RestartFailed extends PeriodicExtension {
  private static final Logger LOG = LoggerFactory.getLogger(RestartFailed.class);
  private static final int CHECK_SECONDS = 5;
  private static final String FAILED = "FAILED";
  private static final String UNASSIGNED = "UNASSIGNED";
  private static final int GONE = 404;

  private final Backoff backoff = new Backoff();
  private final StuckStateTracker unassigned = new StuckStateTracker();
  private HttpClient client;

  public RestartFailed() {
    super("restart-failed", CHECK_SECONDS);
  }

  @Override
  public void configure(Map<String, ?> worker) {
    super.configure(worker);
    client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  }

  @Override
  public void register(ConnectRestExtensionContext context) {
    super.register(context);
    LOG.info("restarting failed connectors and tasks of worker {}", workerId());
  }

  @Override
  void look(ConnectClusterState cluster) {
    try {
      long now = System.nanoTime();
      Set<String> broken = ours(cluster, FAILED);
      broken.addAll(unassigned.stuck(ours(cluster, UNASSIGNED), now));
      for (String due : backoff.due(broken, now)) {
        restart(due);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } catch (Exception retriedLater) { // the group rebalances, or the brokers are unavailable
      LOG.debug("could not restart failed connectors and tasks", retriedLater);
    }
  }

  /** Returns the REST paths of this worker's connectors and tasks that are in a state. */
  private Set<String> ours(ConnectClusterState cluster, String state) {
    Set<String> found = new HashSet<>();
    for (String connector : cluster.connectors()) {
      ConnectorHealth health = cluster.connectorHealth(connector);
      String path = "/connectors/" + URLEncoder.encode(connector, StandardCharsets.UTF_8);
      if (isOurs(health.connectorState(), state)) {
        found.add(path);
      }
      for (TaskState task : health.tasksState().values()) {
        if (isOurs(task, state)) {
          found.add(path + "/tasks/" + task.taskId());
        }
      }
    }
    return found;
  }

  private boolean isOurs(AbstractState part, String state) {
    return state.equals(part.state()) && isOurs(part);
  }

  private void restart(String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + workerId() + path + "/restart"))
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    int status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    if (status == GONE) { // a deleted connector's task can leave its state
      LOG.debug("{} does not exist any more", path);
      return;
    }
    LOG.warn("restarted {}, which had failed or was stuck UNASSIGNED: HTTP {}", path, status);
  }
}
