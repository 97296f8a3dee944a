package datapipe.maintenance;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.iceberg.io.BulkDeletionFailureException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.SupportsBulkOperations;
import org.apache.iceberg.io.SupportsPrefixOperations;

/** Local files as a stand-in for S3; every operation asks Faults first. */
public class LocalFiles implements FileIO, SupportsPrefixOperations, SupportsBulkOperations {
  @Override
  public void initialize(Map<String, String> properties) {}

  @Override
  public Map<String, String> properties() {
    return Map.of();
  }

  @Override
  public InputFile newInputFile(String location) {
    Faults.before("read", location);
    return new Named(location, org.apache.iceberg.Files.localInput(file(location)));
  }

  @Override
  public OutputFile newOutputFile(String location) {
    Faults.before("write", location);
    file(location).getParentFile().mkdirs();
    return new NamedOutput(location, org.apache.iceberg.Files.localOutput(file(location)));
  }

  @Override
  public void deleteFile(String location) {
    Faults.before("delete", location);
    file(location).delete();
  }

  @Override
  public void deleteFiles(Iterable<String> locations) {
    int failed = 0;
    for (String location : locations) {
      try {
        deleteFile(location);
      } catch (RuntimeException denied) {
        failed++;
      }
    }
    if (failed > 0) {
      throw new BulkDeletionFailureException(failed);
    }
  }

  @Override
  public Iterable<FileInfo> listPrefix(String prefix) {
    Faults.before("list", prefix);
    try (Stream<Path> files = Files.walk(file(prefix).toPath())) {
      List<FileInfo> found =
          files.filter(Files::isRegularFile)
              .map(path -> path.toFile())
              .map(file -> new FileInfo("file://" + file, file.length(), file.lastModified()))
              .toList();
      return found;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void deletePrefix(String prefix) {
    throw new UnsupportedOperationException("deletes a whole folder");
  }

  private static File file(String location) {
    return new File(URI.create(location).getPath());
  }

  /** Iceberg's local files have paths, S3's objects have locations. */
  private record Named(String location, InputFile file) implements InputFile {
    @Override
    public long getLength() {
      return file.getLength();
    }

    @Override
    public org.apache.iceberg.io.SeekableInputStream newStream() {
      return file.newStream();
    }

    @Override
    public boolean exists() {
      return file.exists();
    }
  }

  private record NamedOutput(String location, OutputFile file) implements OutputFile {
    @Override
    public org.apache.iceberg.io.PositionOutputStream create() {
      return file.create();
    }

    @Override
    public org.apache.iceberg.io.PositionOutputStream createOrOverwrite() {
      return file.createOrOverwrite();
    }

    @Override
    public InputFile toInputFile() {
      return new Named(location, file.toInputFile());
    }
  }
}
