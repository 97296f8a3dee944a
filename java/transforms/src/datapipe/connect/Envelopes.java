package datapipe.connect;

import java.util.Set;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;

/** The shape of Debezium's change events, before they are unwrapped. */
final class Envelopes {
  static final String BEFORE = "before";
  static final String AFTER = "after";
  static final String OPERATION = "op";
  static final String TRUNCATE = "t";

  private static final Set<String> ROWS = Set.of(BEFORE, AFTER);

  private Envelopes() {}

  /** Returns whether a schema is that of a change: heartbeats and transactions have others. */
  static boolean isEnvelope(Schema schema) {
    return schema != null && schema.name() != null && schema.name().endsWith(".Envelope");
  }

  /** Returns whether a field of an envelope holds a row of the table. */
  static boolean isRow(Field field) {
    return ROWS.contains(field.name()) && field.schema().type() == Schema.Type.STRUCT;
  }
}
