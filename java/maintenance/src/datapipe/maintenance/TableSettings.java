package datapipe.maintenance;

import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.UpdateProperties;

/** A table's properties, which bound its metadata; it may have been created without them. */
final class TableSettings {
  private static final String MAINTAINED_AT = "datapipe.maintained-at-ms";

  private final ArchiveTable table;

  TableSettings(ArchiveTable table) {
    this.table = table;
  }

  /** Set those that differ; returns their values. */
  Map<String, String> apply() {
    Map<String, String> changed = new TreeMap<>(table.settings().tableProperties());
    changed.entrySet().removeAll(table.metadata().properties().entrySet());
    set(changed);
    return changed;
  }

  /** Say when the table was maintained last. */
  void stamp() {
    set(Map.of(MAINTAINED_AT, Long.toString(System.currentTimeMillis())));
  }

  private void set(Map<String, String> properties) {
    if (properties.isEmpty()) {
      return;
    }
    table.attempt(
        () -> {
          UpdateProperties update = table.iceberg().updateProperties();
          properties.forEach(update::set);
          update.commit();
        });
  }
}
