package datapipe.maintenance;

import java.util.HashMap;
import java.util.Map;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateProperties;

/** The properties of a table that bound its metadata, for tables that lack them. */
final class BoundedMetadata {
  private static final String MAINTAINED_AT = "datapipe.maintained-at-ms";
  private static final Map<String, String> PROPERTIES =
      Map.of(
          // Each commit writes the whole metadata again; the log names so many earlier ones.
          TableProperties.METADATA_PREVIOUS_VERSIONS_MAX, "20",
          // The sink may not delete, and would log each failure to.
          TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED, "false",
          TableProperties.METADATA_COMPRESSION, "gzip");

  private final ArchiveTable table;

  BoundedMetadata(ArchiveTable table) {
    this.table = table;
  }

  /** Set those that differ; returns their values. */
  Map<String, String> apply() {
    Map<String, String> changed = new HashMap<>(PROPERTIES);
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
