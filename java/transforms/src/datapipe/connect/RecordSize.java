package datapipe.connect;

import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Schema;

/** How many bytes a record takes in Kafka, by the converter that writes it. */
interface RecordSize {
  /**
   * What Kafka's producer adds to key and value at most: the head of a batch (61 bytes), of a record
   * (21), and the lengths of both.
   */
  int OVERHEAD = 96;

  /** Returns a bound that is never below the size, without a look at the characters of a text. */
  long bound(ConnectRecord<?> record);

  /** Returns the size, or a bound close above it. */
  long measure(ConnectRecord<?> record);

  /** Returns what one value of a record takes, or a bound close above it. */
  long measure(Schema schema, Object value);
}
