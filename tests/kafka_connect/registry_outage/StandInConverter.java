import io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.NetworkException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.storage.Converter;

/**
 * Looks schemas up over HTTP and fails as Confluent's AvroConverter 7.x does: the same exceptions, with
 * the same messages and causes. A record is the id of its schema and a word; "truncated" can't be read.
 */
public class StandInConverter implements Converter {
  private final Set<String> cached = new HashSet<>();
  private String url;

  @Override
  public void configure(Map<String, ?> settings, boolean isKey) {
    url = (String) settings.get("schema.registry.url");
  }

  @Override
  public byte[] fromConnectData(String topic, Schema schema, Object value) {
    try {
      lookUp("POST", "/subjects/" + topic + "-value/versions", "Error serializing Avro message",
          "Error registering Avro schema");
      return value.toString().getBytes(StandardCharsets.UTF_8);
    } catch (KafkaException error) {
      throw asConverter(error, "Failed to serialize Avro data from topic " + topic);
    }
  }

  @Override
  public SchemaAndValue toConnectData(String topic, byte[] bytes) {
    String[] record = new String(bytes, StandardCharsets.UTF_8).split(" ");
    try {
      if (record.length != 2) {
        throw new SerializationException("Unknown magic byte!");
      }
      String failed = "Error retrieving Avro value schema for id " + record[0];
      lookUp("GET", "/schemas/ids/" + record[0], failed, failed);
      if (record[1].equals("truncated")) {
        throw new SerializationException(
            "Error deserializing Avro message for id " + record[0], new EOFException());
      }
      return new SchemaAndValue(Schema.STRING_SCHEMA, record[1]);
    } catch (KafkaException error) {
      throw asConverter(error, "Failed to deserialize data for topic " + topic + " to Avro: ");
    }
  }

  private void lookUp(String method, String path, String ioFailed, String refused) {
    if (cached.contains(path)) {
      return;
    }
    try {
      request(method, path);
      cached.add(path);
    } catch (InterruptedIOException error) {
      throw new TimeoutException(ioFailed, error);
    } catch (IOException error) {
      throw new SerializationException(ioFailed, error);
    } catch (RestClientException error) {
      throw error.errorCode / 100 == 4
          ? new InvalidConfigurationException(error.getMessage())
          : new SerializationException(refused, error);
    }
  }

  private void request(String method, String path) throws IOException, RestClientException {
    HttpURLConnection connection = (HttpURLConnection) new URL(url + path).openConnection();
    connection.setRequestMethod(method);
    connection.setReadTimeout(500);
    if (connection.getResponseCode() == 200) {
      connection.getInputStream().readAllBytes();
      return;
    }
    InputStream errors = connection.getErrorStream();
    String[] answer = new String(errors.readAllBytes(), StandardCharsets.UTF_8).split(" ", 2);
    throw new RestClientException(answer[1], Integer.parseInt(answer[0]));
  }

  private static RuntimeException asConverter(KafkaException error, String message) {
    if (error instanceof TimeoutException) {
      return new RetriableException(message, error);
    }
    if (error instanceof InvalidConfigurationException) {
      return new ConfigException(message + " : " + error.getMessage());
    }
    if (error.getCause() instanceof java.net.SocketException) {
      return new NetworkException("Network connection error: " + error.getMessage(), error);
    }
    return new DataException(message, error);
  }
}
