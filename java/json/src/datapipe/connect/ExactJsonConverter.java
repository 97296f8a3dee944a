package datapipe.connect;

import com.fasterxml.jackson.core.StreamReadConstraints;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Kafka's JsonConverter, with the numbers that JSON has no word for, and with less work for rows.
 *
 * <p>It writes the same bytes. It reads the same values, except for the numbers ({@link
 * SpecialNumbers}) and texts of more than 20,000,000 characters, which Jackson refuses by default.
 *
 * <p>Each record has its whole schema, which Kafka's writes, parses and compares each time. For the
 * rows of most tables ({@link RowFormat}) this one does so only with the first record of each schema.
 * Kafka's converter handles all other records, malformed ones included.
 */
public class ExactJsonConverter extends JsonConverter {
  static {
    allowLongTexts();
  }

  private final RowWriter writer = new RowWriter();
  private final RowReader reader = new RowReader();

  /** Lifts the limit for all parsers that are made from now on, as Kafka's has no setting for it. */
  private static void allowLongTexts() {
    try {
      StreamReadConstraints.overrideDefaultStreamReadConstraints(
          StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build());
    } catch (NoClassDefFoundError withoutLimit) {
      // Jackson has the limit and this class since 2.15; Kafka's workers before 3.7 have an older one.
      return;
    }
  }

  @Override
  public byte[] fromConnectData(String topic, Schema schema, Object value) {
    if (!(value instanceof Struct) || ((Struct) value).schema() != schema) {
      return super.fromConnectData(topic, schema, value);
    }
    byte[] record = writer.write((Struct) value);
    if (record == null) {
      record = super.fromConnectData(topic, schema, value);
      writer.learn(schema, record);
    }
    return record;
  }

  @Override
  public SchemaAndValue toConnectData(String topic, Headers headers, byte[] record) {
    return toConnectData(topic, record);
  }

  @Override
  public SchemaAndValue toConnectData(String topic, byte[] record) {
    if (record == null) {
      return SchemaAndValue.NULL;
    }
    Struct row = reader.read(topic, record);
    if (row != null) {
      return new SchemaAndValue(row.schema(), row);
    }
    SchemaAndValue read = SpecialNumbers.restore(super.toConnectData(topic, record), record);
    reader.learn(topic, read.schema(), record);
    return read;
  }
}
