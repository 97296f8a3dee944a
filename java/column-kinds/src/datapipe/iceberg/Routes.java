package datapipe.iceberg;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;

/** The table of each topic, as a setting lists them: topic:database.table. */
final class Routes {
  static final String SETTING = "routes";

  private Routes() {}

  static Map<String, String> parse(Object list) {
    Map<String, String> tables = new LinkedHashMap<>();
    for (Object route : (Iterable<?>) list) {
      String[] parts = route.toString().split(":");
      if (parts.length != 2) {
        throw new ConfigException(SETTING, route, "allowed: topic:database.table");
      }
      tables.put(parts[0], parts[1]);
    }
    return tables;
  }
}
