package datapipe.connect;

import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * What kept a converter from its schema, found by the exceptions of Confluent's classes.
 *
 * <p>Their AvroConverter throws, on both ways:
 *
 * <ul>
 *   <li>NetworkException or DataException for an unreachable registry, or one that answers 5xx; in
 *       its causes a SerializationException with an IOException or a RestClientException.
 *   <li>ConfigException without a cause, for an answer 4xx whose code has three digits (401, 403,
 *       409, 429); its message ends in "; error code: 401".
 *   <li>DataException for a schema that the registry does not have (40403), and for bytes that can't
 *       be read; the latter may have an IOException, too: of the Avro decoder.
 *   <li>RetriableException for a request that timed out.
 * </ul>
 *
 * <p>The classes of the client are found by their names: they belong to another plug-in.
 */
enum LookupFailure {
  /** The registry can't be reached, can't answer or does not let us in; the record may be good. */
  UNAVAILABLE,
  /** The registry does not accept the schema of a record that is to be written. */
  REFUSED,
  /** It is the record. */
  NONE;

  private static final Pattern CODE = Pattern.compile("error code: (\\d{3})\\d{0,2}\\b");
  private static final Pattern DECODING = Pattern.compile("^Error deserializing ");
  private static final String REST_CLIENT = "RestClientException";

  static LookupFailure of(Throwable thrown) {
    boolean decoding = false;
    for (Throwable each = thrown; each != null; each = cause(each)) {
      String message = String.valueOf(each.getMessage());
      decoding = decoding || DECODING.matcher(message).find();
      if (each instanceof RetriableException || each instanceof TimeoutException) {
        return UNAVAILABLE;
      }
      if (each instanceof IOException && (ofNetwork(each) || !decoding)) {
        return UNAVAILABLE;
      }
      if (each instanceof ConfigException
          || each instanceof InvalidConfigurationException
          || each.getClass().getSimpleName().equals(REST_CLIENT)) {
        return byStatus(status(message));
      }
    }
    return NONE;
  }

  /** Returns the first three digits of the error code that ends a message of the client; or 0. */
  private static int status(String message) {
    int found = 0;
    Matcher matcher = CODE.matcher(message);
    while (matcher.find()) {
      found = Integer.parseInt(matcher.group(1));
    }
    return found;
  }

  private static LookupFailure byStatus(int status) {
    switch (status) {
      case 401: // during a rotation of the password
      case 403:
      case 407:
      case 408:
      case 429:
        return UNAVAILABLE;
      case 409:
      case 422:
        return REFUSED;
      default:
        return status >= 500 ? UNAVAILABLE : NONE;
    }
  }

  private static boolean ofNetwork(Throwable thrown) {
    String name = thrown.getClass().getName();
    return name.startsWith("java.net.") || name.startsWith("javax.net.ssl.");
  }

  private static Throwable cause(Throwable thrown) {
    return thrown.getCause() == thrown ? null : thrown.getCause();
  }
}
