import datapipe.connect.CountEvents;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.TreeSet;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/** Sends some records through CountEvents and prints what its MBeans say, a line for each. */
public class CountedEvents {
  private static final Schema EVENT = SchemaBuilder.struct()
      .field("__op", Schema.OPTIONAL_STRING_SCHEMA)
      .field("__deleted", Schema.OPTIONAL_STRING_SCHEMA)
      .field("__source_ts_ms", Schema.OPTIONAL_INT64_SCHEMA)
      .field("__source_lsn", Schema.OPTIONAL_INT64_SCHEMA)
      .build();

  public static void main(String[] arguments) throws Exception {
    CountEvents<SourceRecord> transform = new CountEvents<>();
    transform.configure(Map.of("checkpoint", "source", "topic.prefix", "postgres."));
    SourceRecord[] records = {
      record("postgres.public.users", "k", event("c", "false", 1L)),
      record("postgres.public.users", "k", event("u", "false", 2L)),
      record("postgres.public.users", "k", event("d", "true", 3L)),
      record("postgres.public.users", "k", event("d", "false", 4L)),
      record("postgres.public.orders", "k", event("c", "false", null)),
      record("postgres.public.orders", null, event("c", "false", 5L)),
      record("postgres.public.orders", null, event("t", "false", 7L)),
      record("postgres.public.orders", "k", event("x", "false", 7L)),
      record("postgres.public.orders", "k", event("r", "false", 8L)),
      record("postgres.public.log", null, event("c", "false", 8L)),
      record("postgres.public.log", null, event("d", "true", 8L)),
      record("postgres.transaction", "k", new Struct(SchemaBuilder.struct().build())),
      record("__debezium-heartbeat.postgres", "k", event("c", "false", 9L)),
    };
    for (SourceRecord record : records) {
      if (transform.apply(record) != record) {
        throw new AssertionError("the record was changed: " + record);
      }
    }
    CountEvents<SourceRecord> another = new CountEvents<>();
    another.configure(
        Map.of("checkpoint", "source", "topic.prefix", "shop.", "source", "shop"));
    another.apply(record("shop.public.users", "k", event("c", "false", 1L)));
    another.apply(record("postgres.public.users", "k", event("c", "false", 1L)));
    print();
  }

  private static SourceRecord record(String topic, Object key, Struct value) {
    return new SourceRecord(null, null, topic, null, null, key, value.schema(), value);
  }

  private static Struct event(String operation, String deleted, Long position) {
    return new Struct(EVENT).put("__op", operation).put("__deleted", deleted)
        .put("__source_ts_ms", 1L).put("__source_lsn", position);
  }

  private static void print() throws Exception {
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    for (ObjectName name : new TreeSet<>(server.queryNames(new ObjectName("datapipe:*"), null))) {
      for (MBeanAttributeInfo about : server.getMBeanInfo(name).getAttributes()) {
        if (!about.getName().equals("rate")) {
          System.out.println(name.getKeyPropertyListString() + " " + about.getName() + "="
              + server.getAttribute(name, about.getName()));
        }
      }
    }
  }
}
