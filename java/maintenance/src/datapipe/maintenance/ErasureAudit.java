package datapipe.maintenance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.SupportsPrefixOperations;

/** What an erasure found and did, as an object PREFIX/erasures/TABLE-TIME.json without the key. */
final class ErasureAudit {
  static final String DONE = "done";
  private static final String COMMITTED = "committedFiles";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DateTimeFormatter NAME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final ArchiveTable table;
  private final String folder;
  private String location;
  private final Map<String, Object> entry = new LinkedHashMap<>();
  private final Set<String> committed = new TreeSet<>();
  private int rewrittenFiles;
  private long rewrittenRows;
  private int snapshots;
  private int deletedFiles;

  ErasureAudit(ArchiveTable table, ErasureRequest request) {
    Instant began = Instant.now();
    this.table = table;
    this.folder = FileLocation.folder(table.settings().prefix()) + "erasures/";
    this.location = folder + table.name() + "-" + NAME.format(began) + ".json";
    entry.put("table", table.name());
    entry.put("keySha256", request.keyHash());
    entry.put("by", request.by());
    entry.put("began", began.toString());
  }

  /** Continue the audit of an erasure of the same key that did not end; returns whether one is. */
  boolean continueUnfinished() {
    FileIO io = table.iceberg().io();
    for (FileInfo object : ((SupportsPrefixOperations) io).listPrefix(folder)) {
      try (InputStream stream = io.newInputFile(object.location()).newStream()) {
        JsonNode earlier = JSON.readTree(stream);
        if (entry.get("keySha256").equals(earlier.path("keySha256").asText())
            && !earlier.path("outcome").asText().equals(DONE)) {
          location = object.location();
          entry.put("began", earlier.path("began").asText());
          earlier.path(COMMITTED).forEach(file -> committed.add(file.asText()));
          return true;
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(object.location() + " can't be read", failure);
      }
    }
    return false;
  }

  void found(KeySearch.Found found, List<FileScanTask> current, Set<String> related) {
    entry.put("filesWithRows", found.holding().size());
    entry.put("ofThesePresent", current.size());
    entry.put("rowsInFiles", found.rows());
    entry.put("dataFiles", found.dataFiles());
    entry.put("snapshots", table.metadata().snapshots().size());
    entry.put("changedKeys", related.size());
  }

  /**
   * Remember files with rows of the key that the table refers to, beyond the end of this process.
   *
   * <p>No commit refers to them again once they are out of the table.
   */
  void committed(Set<String> files) {
    committed.addAll(files);
    write("started");
  }

  boolean wasCommitted(String file) {
    return committed.contains(file);
  }

  void rewritten(List<RewrittenFiles> files) {
    rewrittenFiles += files.size();
    rewrittenRows += files.stream().mapToLong(RewrittenFiles::removedRows).sum();
  }

  void expired(Expiry.Expired expired) {
    snapshots += expired.snapshots();
    deletedFiles += expired.files();
  }

  void deleted(int files) {
    deletedFiles += files;
  }

  /** Note the last search: what was looked into, and what was found. */
  void proven(KeySearch.Found found) {
    entry.put("rewrittenFiles", rewrittenFiles);
    entry.put("erasedRows", rewrittenRows);
    entry.put("expiredSnapshots", snapshots);
    entry.put("deletedFiles", deletedFiles);
    entry.put("searchedDataFiles", found.dataFiles());
    entry.put("searchedOtherObjects", found.others().size());
    entry.put("remainingRows", found.rows());
  }

  String text(String outcome) {
    entry.put("outcome", outcome);
    entry.put(COMMITTED, outcome.equals(DONE) ? Set.of() : committed);
    entry.put("at", Instant.now().toString());
    try {
      return JSON.writeValueAsString(entry);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Write the object, again with each outcome; returns its text. */
  String write(String outcome) {
    String text = text(outcome);
    try (OutputStream stream =
        table.iceberg().io().newOutputFile(location).createOrOverwrite()) {
      stream.write(text.getBytes(StandardCharsets.UTF_8));
      return text;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
