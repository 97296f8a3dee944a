package datapipe.iceberg;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.iceberg.io.InputFile;

/**
 * What a table's metadata file says of the table's size and care.
 *
 * <p>The file is read as a stream: it has a kilobyte for each snapshot, and a table that nobody
 * maintains has tens of thousands of them, which as objects would fill the worker's heap.
 */
final class TableFigures {
  /** The property that the archive's maintenance sets when it has finished with a table. */
  static final String MAINTAINED_AT = "datapipe.maintained-at-ms";
  private static final String COMPRESSED = ".gz.metadata.json";
  private static final JsonFactory JSON = new JsonFactory();

  /** Bytes of the metadata file. */
  final long metadataBytes;
  long snapshots;
  /** Data files of the current snapshot, and their bytes. */
  long files;
  long bytes;
  /** Milliseconds; of the last maintenance, otherwise of the oldest snapshot, otherwise 0. */
  long maintainedMs;

  private Long current;
  private long oldestMs = Long.MAX_VALUE;

  private TableFigures(long metadataBytes) {
    this.metadataBytes = metadataBytes;
  }

  /** Reads a metadata file. */
  static TableFigures read(InputFile file) throws IOException {
    TableFigures figures = new TableFigures(file.getLength());
    try (InputStream plain = new BufferedInputStream(file.newStream());
        InputStream text =
            file.location().endsWith(COMPRESSED) ? new GZIPInputStream(plain) : plain;
        JsonParser json = JSON.createParser(text)) {
      json.nextToken();
      figures.readTable(json);
    }
    if (figures.maintainedMs == 0 && figures.snapshots > 0) {
      figures.maintainedMs = figures.oldestMs;
    }
    return figures;
  }

  private void readTable(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "current-snapshot-id":
          current = json.currentToken() == JsonToken.VALUE_NULL ? null : json.getLongValue();
          break;
        case "properties":
          readProperties(json);
          break;
        case "snapshots":
          while (json.nextToken() == JsonToken.START_OBJECT) {
            readSnapshot(json);
          }
          break;
        default:
          json.skipChildren();
      }
    }
  }

  private void readProperties(JsonParser json) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean wanted = MAINTAINED_AT.equals(json.currentName());
      json.nextToken();
      if (wanted) {
        maintainedMs = Long.parseLong(json.getText());
      }
    }
  }

  private void readSnapshot(JsonParser json) throws IOException {
    snapshots++;
    boolean isCurrent = false;
    long totalFiles = 0;
    long totalBytes = 0;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (field.equals("snapshot-id")) {
        isCurrent = current != null && current == json.getLongValue();
      } else if (field.equals("timestamp-ms")) {
        oldestMs = Math.min(oldestMs, json.getLongValue());
      } else if (field.equals("summary")) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String property = json.currentName();
          json.nextToken();
          if (property.equals("total-data-files")) {
            totalFiles = Long.parseLong(json.getText());
          } else if (property.equals("total-files-size")) {
            totalBytes = Long.parseLong(json.getText());
          }
        }
      } else {
        json.skipChildren();
      }
    }
    if (isCurrent) {
      files = totalFiles;
      bytes = totalBytes;
    }
  }
}
