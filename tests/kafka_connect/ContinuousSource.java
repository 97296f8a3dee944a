import datapipe.postgres.ContinuousSnapshotter;
import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.connector.postgresql.connection.Lsn;
import io.debezium.connector.postgresql.spi.OffsetState;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Starts ContinuousSnapshotter as Debezium's task does, for each line of the input; prints a line each.
 *
 * <p>A line has the offset's position and time (epoch seconds), and properties as key=value. The
 * answer is "continuous" or the refusal, and the MBean's value.
 */
public class ContinuousSource {
  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split("\t");
      Configuration.Builder properties = Configuration.create()
          .with("topic.prefix", "shop").with("slot.name", "datapipe_shop")
          .with("plugin.name", "pgoutput").with("database.dbname", "shop");
      for (int index = 2; index < words.length; index++) {
        int end = words[index].indexOf('=');
        properties.with(words[index].substring(0, end), words[index].substring(end + 1));
      }
      OffsetState offset = words[0].equals("none") ? null : new OffsetState(
          Lsn.valueOf(Long.valueOf(words[0])), 1L, null,
          Instant.ofEpochSecond(Long.parseLong(words[1])), false);
      String answer = "continuous";
      try {
        new ContinuousSnapshotter().init(
            new PostgresConnectorConfig(properties.build()), offset, null);
      } catch (ConnectException refusal) {
        answer = refusal.getMessage();
      }
      ObjectName name = new ObjectName("datapipe:type=continuity,slot=datapipe_shop");
      Object shown = ManagementFactory.getPlatformMBeanServer().isRegistered(name)
          ? ManagementFactory.getPlatformMBeanServer().getAttribute(name, "Continuous") : "none";
      System.out.println(answer + "\t" + shown);
    }
  }
}
