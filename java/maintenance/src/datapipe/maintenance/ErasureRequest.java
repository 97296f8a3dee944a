package datapipe.maintenance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.relocated.com.google.common.hash.Hashing;

/**
 * What the arguments of the command erase say.
 *
 * <pre>
 * --table NAME      the catalog's table
 * --key JSON        the key's columns with their values, as the archive has them
 * --dry-run         change nothing
 * --by NAME         who erases, for the audit
 * --wait SECONDS    how long files may take that the sink has written and not committed yet
 * </pre>
 */
record ErasureRequest(
    String table, ObjectNode key, boolean isDryRun, String by, Duration longestWait) {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);

  /**
   * Parse the arguments after the command.
   *
   * @throws InvalidSettingsException if one is missing or not allowed
   */
  static ErasureRequest parse(List<String> arguments) {
    Map<String, String> given = new TreeMap<>();
    boolean isDryRun = false;
    for (int i = 0; i < arguments.size(); i++) {
      String name = arguments.get(i);
      if (name.equals("--dry-run")) {
        isDryRun = true;
      } else if (!List.of("--table", "--key", "--by", "--wait").contains(name)) {
        throw new InvalidSettingsException(name + " is not an option of erase");
      } else if (i + 1 == arguments.size()) {
        throw new InvalidSettingsException(name + " needs a value");
      } else {
        given.put(name, arguments.get(++i));
      }
    }
    for (String required : List.of("--table", "--key")) {
      if (!given.containsKey(required)) {
        throw new InvalidSettingsException("erase needs " + required);
      }
    }
    return new ErasureRequest(
        given.get("--table"),
        parseKey(given.get("--key")),
        isDryRun,
        given.getOrDefault("--by", "unknown"),
        parseWait(given.get("--wait")));
  }

  private static Duration parseWait(String seconds) {
    if (seconds == null) {
      return LONGEST_WAIT;
    }
    try {
      return Duration.ofSeconds(Integer.parseUnsignedInt(seconds));
    } catch (NumberFormatException invalid) {
      throw new InvalidSettingsException("--wait " + seconds + " is not a number of seconds");
    }
  }

  private static ObjectNode parseKey(String text) {
    JsonNode key;
    try {
      key = JSON.readTree(text);
    } catch (JsonProcessingException invalid) {
      throw new InvalidSettingsException("--key is not valid JSON: " + invalid.getMessage());
    }
    boolean isObject = key instanceof ObjectNode && !key.isEmpty();
    if (!isObject) {
      throw new InvalidSettingsException("--key must be a JSON object of columns and values");
    }
    for (JsonNode value : key) {
      if (!value.isTextual() && !value.isNumber() && !value.isBoolean()) {
        throw new InvalidSettingsException(
            "--key: a value must be a text, a number or a boolean, not " + value);
      }
    }
    return (ObjectNode) key;
  }

  /**
   * What the audit has in place of the key.
   *
   * <p>Whoever knows the key recognises it. Whoever tries all numbers finds a short one.
   */
  String keyHash() {
    Map<String, JsonNode> sorted = new TreeMap<>();
    key.properties().forEach(field -> sorted.put(field.getKey(), field.getValue()));
    return Hashing.sha256()
        .hashString(table + "\n" + JSON.valueToTree(sorted), StandardCharsets.UTF_8)
        .toString();
  }
}
