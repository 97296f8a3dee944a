import datapipe.postgres.ResumingConnector;
import datapipe.postgres.ResumingTask;
import io.debezium.config.Configuration;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Prints what the worker says of a connector's configuration, and what its task says at its start.
 *
 * <p>Argument: a file of properties. Each line of the input is a property and its value, separated by
 * a tab, which are set in addition to them.
 */
public class RefusedSettings {
  public static void main(String[] arguments) throws Exception {
    Properties given = new Properties();
    given.load(Files.newBufferedReader(Path.of(arguments[0])));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] setting = line.split("\t", 2);
      Map<String, String> properties = new HashMap<>();
      given.forEach((name, value) -> properties.put(name.toString(), value.toString()));
      properties.put(setting[0], setting[1]);
      for (ConfigValue value : new ResumingConnector().validate(properties).configValues()) {
        value.errorMessages().forEach(
            message -> System.out.println("worker\t" + value.name() + "\t" + message));
      }
      try {
        new ResumingTask().start(Configuration.from(properties));
      } catch (ConnectException refused) {
        System.out.println("task\t" + setting[0] + "\t" + refused.getMessage());
      } catch (RuntimeException laterOn) {
        // It has no worker, and no database.
      }
      System.out.println("done");
    }
  }
}
