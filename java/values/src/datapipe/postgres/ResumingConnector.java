package datapipe.postgres;

import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnector;
import java.util.ArrayList;
import java.util.Map;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Task;

/** Debezium's connector, whose reading of existing rows goes on where a killed worker stopped. */
public class ResumingConnector extends PostgresConnector {
  @Override
  public Class<? extends Task> taskClass() {
    return ResumingTask.class;
  }

  /**
   * Adds what {@link ReadingSettings} refuses, so that a worker takes no such configuration.
   *
   * <p>Debezium's own check would go on to the database, and fails with some of these settings.
   */
  @Override
  public Config validate(Map<String, String> properties) {
    Map<String, String> faults = ReadingSettings.faults(properties);
    if (faults.isEmpty()) {
      return super.validate(properties);
    }
    Map<String, ConfigValue> values = validateAllFields(Configuration.from(properties));
    faults.forEach((name, fault) ->
        values.computeIfAbsent(name, ConfigValue::new).addErrorMessage(fault));
    return new Config(new ArrayList<>(values.values()));
  }
}
