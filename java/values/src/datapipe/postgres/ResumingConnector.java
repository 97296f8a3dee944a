package datapipe.postgres;

import io.debezium.connector.postgresql.PostgresConnector;
import org.apache.kafka.connect.connector.Task;

/** Debezium's connector, whose reading of existing rows goes on where a killed worker stopped. */
public class ResumingConnector extends PostgresConnector {
  @Override
  public Class<? extends Task> taskClass() {
    return ResumingTask.class;
  }
}
