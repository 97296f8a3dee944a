import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics;
import org.apache.kafka.connect.runtime.errors.ProcessingContext;
import org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator;
import org.apache.kafka.connect.runtime.errors.Stage;
import org.apache.kafka.connect.runtime.errors.ToleranceType;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Converts as the task of a sink with errors.tolerance=all does, by Kafka Connect's own classes.
 *
 * <p>Arguments: the converter's class, and its settings as key=value. Reads "read ID WORD", "write WORD"
 * and "metrics" from standard input and answers each with a line.
 */
public class Conversions {
  public static void main(String[] arguments) throws Exception {
    Converter converter =
        (Converter) Class.forName(arguments[0]).getDeclaredConstructor().newInstance();
    Map<String, String> settings = new java.util.HashMap<>();
    for (String setting : List.of(arguments).subList(1, arguments.length)) {
      settings.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
    }
    converter.configure(settings, false);
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ", 2);
      String answer;
      switch (words[0]) {
        case "read":
          byte[] bytes = words[1].getBytes(StandardCharsets.UTF_8);
          answer = outcome(() -> converter.toConnectData("t", bytes).value());
          break;
        case "write":
          answer = outcome(() -> new String(
              converter.fromConnectData("t", Schema.STRING_SCHEMA, words[1])));
          break;
        default:
          answer = metrics();
      }
      System.out.println(answer.replace("\n", " "));
    }
  }

  private static String outcome(org.apache.kafka.connect.runtime.errors.Operation<Object> conversion) {
    ErrorHandlingMetrics metrics = new ErrorHandlingMetrics(
        new ConnectorTaskId("sink", 0),
        new ConnectMetrics("worker", new StandaloneConfig(Map.of(
            "bootstrap.servers", "localhost:1", "offset.storage.file.filename", "unused",
            "key.converter", StandInConverter.class.getName(),
            "value.converter", StandInConverter.class.getName())), Time.SYSTEM, "cluster"));
    String[] dead = new String[1];
    try (RetryWithToleranceOperator<ConsumerRecord<byte[], byte[]>> operator =
        new RetryWithToleranceOperator<>(0, 60_000, ToleranceType.ALL, Time.SYSTEM, metrics)) {
      operator.reporters(List.of(context -> {
        dead[0] = context.error().getMessage();
        return java.util.concurrent.CompletableFuture.completedFuture(null);
      }));
      Object value = operator.execute(
          new ProcessingContext<>(new ConsumerRecord<>("t", 0, 0, new byte[0], new byte[0])),
          conversion, Stage.VALUE_CONVERTER, Converter.class);
      return dead[0] == null ? "archived " + value : "dead letter: " + dead[0];
    } catch (Throwable stopped) {
      return "stopped: " + stopped.getMessage();
    }
  }

  private static String metrics() throws Exception {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    StringBuilder found = new StringBuilder();
    for (ObjectName name : new java.util.TreeSet<>(
        server.queryNames(new ObjectName("datapipe.registry:*"), null))) {
      for (javax.management.MBeanAttributeInfo attribute
          : server.getMBeanInfo(name).getAttributes()) {
        found.append(name.getKeyPropertyListString()).append(' ').append(attribute.getName())
            .append('=').append(server.getAttribute(name, attribute.getName())).append("; ");
      }
    }
    return found.toString();
  }
}
