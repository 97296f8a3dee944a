package datapipe.connect;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.storage.Converter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for Schema Registry where the converter that it wraps would give up the record.
 *
 * <p>With errors.tolerance=all a sink sends whatever its converter refuses to the dead letter queue,
 * good records too while the registry is unavailable: Confluent's converter throws the same for them
 * as for bad ones. Here the record is tried again until the registry answers; after `wait.ms` the task
 * stops and RestartFailed takes over. Bad records go to the dead letter queue as before.
 */
public class RegistryConverter implements Converter {
  private static final Logger LOG = LoggerFactory.getLogger(RegistryConverter.class);
  static final String DELEGATE = "delegate";
  static final String WAIT_MS = "wait.ms";
  private static final String URL = "schema.registry.url";
  private static final long FIRST_DELAY_MS = 500;
  private static final long LONGEST_DELAY_MS = 10_000;
  /** What Schema Registry says of an incompatible schema, without the schemas themselves. */
  private static final Pattern INCOMPATIBLE =
      Pattern.compile("errorType:'(?<type>[^']*)'.{0,20}?description:'(?<why>.*?)', additionalInfo");
  private static final int LONGEST_REASON = 300;

  private final RegistryState state = RegistryState.OF_WORKER;
  private Converter delegate;
  private String url;
  private boolean isKey;
  private long waitNanos;
  private boolean answered;

  @Override
  public ConfigDef config() {
    return new ConfigDef()
        .define(DELEGATE, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE,
            ConfigDef.Importance.HIGH, "class of the converter that is wrapped")
        .define(WAIT_MS, ConfigDef.Type.LONG, ConfigDef.NO_DEFAULT_VALUE,
            ConfigDef.Range.atLeast(0), ConfigDef.Importance.MEDIUM,
            "for which a record waits for the registry before the task stops");
  }

  @Override
  public void configure(Map<String, ?> settings, boolean key) {
    Map<String, Object> own = config().parse(settings);
    isKey = key;
    url = String.valueOf(settings.get(URL));
    waitNanos = TimeUnit.MILLISECONDS.toNanos((Long) own.get(WAIT_MS));
    delegate = instance((String) own.get(DELEGATE));
    // Confluent's classes find parts of theirs by the thread's class loader.
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(delegate.getClass().getClassLoader());
    try {
      delegate.configure(settings, key);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Our own class loader knows the classes of the other plug-ins through Connect's. */
  private static Converter instance(String name) {
    try {
      return (Converter) Class.forName(name).getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException | ClassCastException error) {
      throw new ConfigException(DELEGATE, name, "is not a converter of this worker: " + error);
    }
  }

  @Override
  public byte[] fromConnectData(String topic, Schema schema, Object value) {
    return write(topic, value, () -> delegate.fromConnectData(topic, schema, value));
  }

  @Override
  public byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
    return write(topic, value, () -> delegate.fromConnectData(topic, headers, schema, value));
  }

  @Override
  public SchemaAndValue toConnectData(String topic, byte[] value) {
    return whenAvailable(topic, value, () -> delegate.toConnectData(topic, value));
  }

  @Override
  public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
    return whenAvailable(topic, value, () -> delegate.toConnectData(topic, headers, value));
  }

  private byte[] write(String topic, Object value, Supplier<byte[]> conversion) {
    byte[] written = whenAvailable(topic, value, conversion);
    state.accepted(subject(topic));
    return written;
  }

  private <T> T whenAvailable(String topic, Object value, Supplier<T> conversion) {
    long started = System.nanoTime();
    long delay = FIRST_DELAY_MS;
    while (true) {
      try {
        T converted = conversion.get();
        if (!answered && value != null) { // without a value nothing is looked up
          answered = true;
          state.answered();
        }
        return converted;
      } catch (RuntimeException thrown) {
        LookupFailure failure = LookupFailure.of(thrown);
        if (failure == LookupFailure.REFUSED) {
          state.answered();
          throw refused(topic, thrown);
        }
        if (failure == LookupFailure.NONE) {
          throw thrown;
        }
        answered = false;
        state.failed(System.nanoTime());
        if (delay == FIRST_DELAY_MS) {
          LOG.warn("Schema Registry at {} is unavailable, a record of {} waits: {}", url, topic,
              lastCause(thrown));
        }
        if (System.nanoTime() - started >= waitNanos) {
          throw unavailable(topic, thrown);
        }
        pause(delay, topic, thrown);
        delay = Math.min(2 * delay, LONGEST_DELAY_MS);
      }
    }
  }

  private void pause(long delay, String topic, RuntimeException thrown) {
    try {
      Thread.sleep(delay);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw unavailable(topic, thrown);
    }
  }

  private RegistryUnavailableError unavailable(String topic, RuntimeException thrown) {
    return new RegistryUnavailableError(
        "Schema Registry at " + url + " is unavailable, so records of " + topic
            + " can't be converted; none is lost, and the task is restarted until the registry"
            + " answers: " + lastCause(thrown), thrown);
  }

  /** The registry's own words have both schemas in full, which is for the log. */
  private DataException refused(String topic, RuntimeException thrown) {
    String subject = subject(topic);
    state.refused(subject, System.nanoTime());
    LOG.error("Schema Registry refuses the schema of subject {}", subject, thrown);
    return new DataException(
        "Schema Registry refuses the new schema of subject " + subject + ": "
            + reason(lastCause(thrown)));
  }

  private static String reason(String message) {
    Matcher found = INCOMPATIBLE.matcher(message);
    if (found.find()) {
      return found.group("type") + ", " + found.group("why");
    }
    return message.length() <= LONGEST_REASON ? message : message.substring(0, LONGEST_REASON) + "…";
  }

  private static String lastCause(Throwable thrown) {
    Throwable last = thrown;
    while (last.getCause() != null && last.getCause() != last) {
      last = last.getCause();
    }
    return last instanceof IOException || last.getMessage() == null
        ? last.toString()
        : last.getMessage();
  }

  /** By TopicNameStrategy, Confluent's default. */
  private String subject(String topic) {
    return topic + (isKey ? "-key" : "-value");
  }
}
