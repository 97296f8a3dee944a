package datapipe.maintenance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.types.Types;

/**
 * Which rows have a key.
 *
 * <p>A column whose type has changed has its later values in others, NAME__KIND, which say so in
 * their comments; a row has a value in one of them at most.
 */
final class KeyMatch implements Predicate<Record> {
  private static final Pattern LATER_VALUES = Pattern.compile("\\[datapipe \\S+ of (.+)\\]$");

  private final Map<String, List<Types.NestedField>> columns = new TreeMap<>();
  private final ObjectNode key;

  /** @throws InvalidSettingsException if the table lacks a column, or it can't be compared */
  KeyMatch(Schema schema, ObjectNode key) {
    this.key = key;
    key.fieldNames().forEachRemaining(name -> columns.put(name, holders(schema, name)));
  }

  private static List<Types.NestedField> holders(Schema schema, String source) {
    List<Types.NestedField> found = new ArrayList<>();
    for (Types.NestedField field : schema.columns()) {
      Matcher later = LATER_VALUES.matcher(field.doc() == null ? "" : field.doc());
      if (later.find() ? later.group(1).equals(source) : field.name().equals(source)) {
        found.add(comparable(field));
      }
    }
    if (found.isEmpty()) {
      throw new InvalidSettingsException("--key: the table has no column " + source);
    }
    return found;
  }

  private static Types.NestedField comparable(Types.NestedField field) {
    switch (field.type().typeId()) {
      case INTEGER:
      case LONG:
      case STRING:
      case BOOLEAN:
        return field;
      default:
        throw new InvalidSettingsException(
            String.format(
                "--key: the column %s is of the type %s; allowed: integers, text and booleans",
                field.name(), field.type()));
    }
  }

  /** The columns by which rows are recognised. */
  List<Types.NestedField> fields() {
    List<Types.NestedField> fields = new ArrayList<>();
    columns.values().forEach(fields::addAll);
    return fields;
  }

  @Override
  public boolean test(Record row) {
    return columns.entrySet().stream()
        .allMatch(
            column ->
                column.getValue().stream()
                    .anyMatch(
                        field ->
                            equal(row.getField(field.name()), key.get(column.getKey()))));
  }

  private static boolean equal(Object archived, JsonNode given) {
    if (archived == null) {
      return false;
    }
    if (archived instanceof Boolean) {
      return archived.toString().equals(given.asText());
    }
    String text = archived.toString();
    if (text.equals(given.asText())) {
      return true;
    }
    // 42 is 42.00, as PostgreSQL's numeric is archived as text.
    return given.isNumber() && isNumber(text) && given.decimalValue().compareTo(new BigDecimal(text)) == 0;
  }

  private static boolean isNumber(String text) {
    return text.matches("[-+]?\\d+(\\.\\d+)?");
  }

  /** The key of a row, as text. */
  String keyOf(Record row) {
    Map<String, String> values = new TreeMap<>();
    columns.forEach(
        (name, fields) ->
            fields.forEach(
                field -> {
                  Object value = row.getField(field.name());
                  if (value != null) {
                    values.put(name, value.toString());
                  }
                }));
    return values.toString();
  }
}
