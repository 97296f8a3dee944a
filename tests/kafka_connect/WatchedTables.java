import datapipe.iceberg.CommitCounter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.iceberg.metrics.CommitMetrics;
import org.apache.iceberg.metrics.CommitMetricsResult;
import org.apache.iceberg.metrics.ImmutableCommitReport;

/**
 * Runs CommitCounter as Iceberg's catalog would; a command a line, an answer a line.
 *
 * <pre>
 * open NAME TABLE,…   a catalog with this reporter
 * close NAME          the catalog is closed
 * commit NAME TABLE   the catalog reports a commit
 * show TABLE          the attributes of the table's MBean, or "none"
 * </pre>
 *
 * The argument is the address of a stand-in for AWS.
 */
public class WatchedTables {
  public static void main(String[] arguments) throws Exception {
    Map<String, CommitCounter> counters = new HashMap<>();
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      String answer = "done";
      if (words[0].equals("open")) {
        counters.put(words[1], new CommitCounter());
        counters.get(words[1]).initialize(catalog(arguments[0], words[2]));
      } else if (words[0].equals("close")) {
        counters.remove(words[1]).close();
      } else if (words[0].equals("commit")) {
        counters.get(words[1]).report(ImmutableCommitReport.builder()
            .tableName("glue." + words[2]).snapshotId(1).sequenceNumber(1).operation("append")
            .commitMetrics(CommitMetricsResult.from(CommitMetrics.noop(), Map.of())).build());
      } else {
        ObjectName name = new ObjectName("datapipe.archive:type=table-state,table=" + words[1]);
        answer = attributes(beans, name);
      }
      System.out.println(answer);
    }
  }

  private static Map<String, String> catalog(String endpoint, String tables) {
    Map<String, String> properties = new HashMap<>();
    properties.put("io-impl", "org.apache.iceberg.aws.s3.S3FileIO");
    properties.put("warehouse", "s3://datapipe-ingestion-test/topics");
    properties.put("client.region", "us-east-1");
    properties.put("s3.endpoint", endpoint);
    properties.put("s3.path-style-access", "true");
    properties.put("glue.endpoint", endpoint);
    properties.put("metrics-reporter.connector", "sink");
    properties.put("metrics-reporter.tables", tables);
    return properties;
  }

  private static String attributes(MBeanServer beans, ObjectName name) throws Exception {
    Map<String, Long> values = new TreeMap<>();
    try {
      for (var attribute : beans.getMBeanInfo(name).getAttributes()) {
        Object value = beans.getAttribute(name, attribute.getName());
        values.put(attribute.getName(), Math.round((Double) value * 1000));
      }
    } catch (InstanceNotFoundException | AttributeNotFoundException removed) {
      return "none";
    }
    return values.toString();
  }
}
