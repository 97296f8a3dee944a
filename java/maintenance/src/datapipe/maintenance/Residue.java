package datapipe.maintenance;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileInfo;

/**
 * What objects that are not data files still have of erased rows.
 *
 * <p>A manifest has the least and the greatest value of each column of the files that it lists,
 * deleted ones as well. So it is free of the rows if each of these files is. Other objects have no
 * values of rows; they are searched for the rows' texts nevertheless.
 */
final class Residue {
  private static final String AVRO = ".avro";
  private static final String COMPRESSED = ".gz.metadata.json";
  private static final String DATA_FILE = "data_file";

  private final ArchiveTable table;
  private final KeySearch search;
  private final Map<String, List<String>> listed = new HashMap<>();

  Residue(ArchiveTable table, KeySearch search) {
    this.table = table;
    this.search = search;
  }

  /** The objects that can have something of the rows, whose texts are given. */
  List<FileInfo> find(List<FileInfo> objects, Collection<String> texts) {
    List<FileInfo> found = new ArrayList<>();
    for (FileInfo object : objects) {
      try {
        boolean isFree =
            object.location().endsWith(AVRO)
                ? listedFiles(object).stream().allMatch(search::isFree)
                : !containsAny(object, texts);
        if (!isFree) {
          found.add(object);
        }
      } catch (NotFoundException deleted) {
        // Since it was listed; then it has nothing any more.
        listed.remove(object.location());
      }
    }
    return found;
  }

  /** The files that a manifest lists; none: it is a list of manifests. */
  private List<String> listedFiles(FileInfo object) {
    return listed.computeIfAbsent(
        object.location(),
        location -> {
          List<String> files = new ArrayList<>();
          try (InputStream stream = open(object);
              DataFileStream<GenericRecord> entries =
                  new DataFileStream<>(stream, new GenericDatumReader<>())) {
            if (entries.getSchema().getField(DATA_FILE) != null) {
              for (GenericRecord entry : entries) {
                GenericRecord file = (GenericRecord) entry.get(DATA_FILE);
                files.add(file.get("file_path").toString());
              }
            }
          } catch (IOException failure) {
            throw new UncheckedIOException(location + " can't be read", failure);
          }
          return files;
        });
  }

  private boolean containsAny(FileInfo object, Collection<String> texts) {
    try (InputStream stream = open(object);
        InputStream content =
            object.location().endsWith(COMPRESSED) ? new GZIPInputStream(stream) : stream) {
      // Latin-1 keeps bytes as they are.
      String bytes = new String(content.readAllBytes(), StandardCharsets.ISO_8859_1);
      return texts.stream()
          .map(
              text ->
                  new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))
          .anyMatch(bytes::contains);
    } catch (IOException failure) {
      throw new UncheckedIOException(object.location() + " can't be read", failure);
    }
  }

  private InputStream open(FileInfo object) {
    return table.iceberg().io().newInputFile(object.location(), object.size()).newStream();
  }
}
