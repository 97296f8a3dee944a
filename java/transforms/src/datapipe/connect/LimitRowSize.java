package datapipe.connect;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.transforms.Transformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fails for a row that is too large for Kafka, with its table, key and size and what to do; or lets
 * it pass without its largest values, if the row is listed.
 *
 * <p>Without it the producer fails for the row, with its size only. It comes after unwrapping, and
 * the columns must be nullable ({@link NullableColumns}).
 */
public class LimitRowSize<R extends ConnectRecord<R>> implements Transformation<R> {
  static final String MOST_BYTES = "max.bytes";
  static final String FORMAT = "format";
  static final String TOPIC_PREFIX = "topic.prefix";
  static final String INCOMPLETE_ROWS = "incomplete.rows";

  private static final String OPERATION = "__op";
  private static final Logger LOG = LoggerFactory.getLogger(LimitRowSize.class);

  private long mostBytes;
  private String prefix;
  private Set<String> incompleteRows;
  private RecordSize size;

  @Override
  public R apply(R record) {
    if (!isChange(record) || size.bound(record) <= mostBytes) {
      return record;
    }
    long bytes = size.measure(record);
    if (bytes <= mostBytes) {
      return record;
    }
    LargeRow<R> row = new LargeRow<>(record, record.topic().substring(prefix.length()), size);
    if (!incompleteRows.contains(row.name())) {
      throw new DataException(row + " takes " + bytes + " bytes as a record, above the limit of "
          + mostBytes + " (kafka.maxRowSize); its largest columns: " + row.largestColumns(bytes)
          + ". Either raise kafka.maxRowSize in the stack file and run make up, or archive the row"
          + " without these values: make recover ROW=" + row.name());
    }
    List<String> left = row.columnsToLeaveOut(mostBytes);
    LOG.warn("{} takes {} bytes as a record, above the limit of {}, and is archived without {}",
        row, bytes, mostBytes, left);
    return row.without(left);
  }

  /** Returns whether a record is of a table: heartbeats and transactions have no operation. */
  private boolean isChange(R record) {
    return record.topic().startsWith(prefix) && record.value() instanceof Struct
        && record.valueSchema().field(OPERATION) != null;
  }

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(MOST_BYTES, ConfigDef.Type.LONG, ConfigDef.Importance.HIGH,
            "The size of the largest record, key and batch overhead included.")
        .define(FORMAT, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE,
            ConfigDef.ValidString.in("json", "avro"), ConfigDef.Importance.HIGH,
            "What the connector's converters write.")
        .define(TOPIC_PREFIX, ConfigDef.Type.STRING, ConfigDef.Importance.HIGH,
            "The prefix of the tables' topics, including its dot.")
        .define(INCOMPLETE_ROWS, ConfigDef.Type.LIST, "", ConfigDef.Importance.MEDIUM,
            "Rows that pass without their largest values, each as table/digest of its key.");
  }

  @Override
  public void configure(Map<String, ?> settings) {
    Map<String, Object> parsed = config().parse(settings);
    mostBytes = (Long) parsed.get(MOST_BYTES);
    size = parsed.get(FORMAT).equals("json") ? new JsonSize() : new AvroSize();
    prefix = (String) parsed.get(TOPIC_PREFIX);
    incompleteRows = new HashSet<>();
    for (Object row : (Iterable<?>) parsed.get(INCOMPLETE_ROWS)) {
      incompleteRows.add(row.toString());
    }
  }

  @Override
  public void close() {}
}
