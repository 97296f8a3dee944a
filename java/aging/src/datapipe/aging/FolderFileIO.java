package datapipe.aging;

import datapipe.aging.Requests.Kind;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.DelegateFileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;

/**
 * Objects s3://BUCKET/KEY as files in a folder (property {@code folder}); counts the requests.
 *
 * <p>S3 or its stand-in would take most of the time, and the disk's time is not what is asked.
 */
public class FolderFileIO implements DelegateFileIO {
  private static final String SCHEME = "s3://";
  /** As many as S3FileIO deletes in one request, and as S3 lists in one. */
  private static final int DELETED_AT_ONCE = 250;
  private static final int LISTED_AT_ONCE = 1000;

  private Map<String, String> properties;
  private Path folder;

  @Override
  public void initialize(Map<String, String> given) {
    properties = given;
    folder = Path.of(given.get("folder"));
  }

  @Override
  public Map<String, String> properties() {
    return properties;
  }

  Path path(String location) {
    return folder.resolve(location.substring(SCHEME.length()));
  }

  @Override
  public InputFile newInputFile(String location) {
    return new StoredFile(location, -1);
  }

  @Override
  public InputFile newInputFile(String location, long length) {
    return new StoredFile(location, length);
  }

  @Override
  public OutputFile newOutputFile(String location) {
    return new NewFile(location);
  }

  @Override
  public void deleteFile(String location) {
    Requests.count(Kind.DELETE, 1);
    remove(location);
  }

  @Override
  public void deleteFiles(Iterable<String> locations) {
    int count = 0;
    for (String location : locations) {
      remove(location);
      count++;
    }
    Requests.count(Kind.DELETE, (count + DELETED_AT_ONCE - 1) / DELETED_AT_ONCE);
  }

  private void remove(String location) {
    try {
      Files.deleteIfExists(path(location));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public Iterable<FileInfo> listPrefix(String prefix) {
    Path below = path(prefix);
    if (!Files.exists(below)) {
      return List.of();
    }
    try (Stream<Path> found = Files.walk(below)) {
      List<FileInfo> listed = new ArrayList<>();
      for (Path path : found.filter(Files::isRegularFile).collect(Collectors.toList())) {
        File file = path.toFile();
        listed.add(
            new FileInfo(SCHEME + folder.relativize(path), file.length(), file.lastModified()));
      }
      Requests.count(Kind.LIST, listed.size() / LISTED_AT_ONCE + 1);
      return listed;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  @Override
  public void deletePrefix(String prefix) {
    List<String> found = new ArrayList<>();
    listPrefix(prefix).forEach(file -> found.add(file.location()));
    deleteFiles(found);
  }

  private final class StoredFile implements InputFile {
    private final String location;
    private final long length;

    StoredFile(String location, long length) {
      this.location = location;
      this.length = length;
    }

    @Override
    public long getLength() {
      if (length >= 0) {
        return length;
      }
      Requests.count(Kind.HEAD, 1);
      return path(location).toFile().length();
    }

    @Override
    public SeekableInputStream newStream() {
      Requests.count(Kind.GET, 1);
      if (!Files.exists(path(location))) {
        throw new NotFoundException("%s does not exist", location);
      }
      return org.apache.iceberg.Files.localInput(path(location).toFile()).newStream();
    }

    @Override
    public String location() {
      return location;
    }

    @Override
    public boolean exists() {
      Requests.count(Kind.HEAD, 1);
      return Files.exists(path(location));
    }
  }

  private final class NewFile implements OutputFile {
    private final String location;

    NewFile(String location) {
      this.location = location;
    }

    @Override
    public PositionOutputStream create() {
      if (Files.exists(path(location))) {
        throw new AlreadyExistsException("%s exists", location);
      }
      return createOrOverwrite();
    }

    @Override
    public PositionOutputStream createOrOverwrite() {
      Requests.count(Kind.PUT, 1);
      Path path = path(location);
      return new StampedStream(
          org.apache.iceberg.Files.localOutput(path.toFile()).createOrOverwrite(), path);
    }

    @Override
    public String location() {
      return location;
    }

    @Override
    public InputFile toInputFile() {
      return newInputFile(location);
    }
  }

  /** Gives a file the simulated time of its end. */
  private static final class StampedStream extends PositionOutputStream {
    private final PositionOutputStream stream;
    private final Path path;

    StampedStream(PositionOutputStream stream, Path path) {
      this.stream = stream;
      this.path = path;
    }

    @Override
    public long getPos() throws IOException {
      return stream.getPos();
    }

    @Override
    public long storedLength() throws IOException {
      return stream.storedLength();
    }

    @Override
    public void write(int value) throws IOException {
      stream.write(value);
    }

    @Override
    public void write(byte[] values, int offset, int length) throws IOException {
      stream.write(values, offset, length);
    }

    @Override
    public void flush() throws IOException {
      stream.flush();
    }

    @Override
    public void close() throws IOException {
      stream.close();
      Files.setLastModifiedTime(path, FileTime.fromMillis(SimulatedClock.currentTimeMillis()));
    }
  }
}
