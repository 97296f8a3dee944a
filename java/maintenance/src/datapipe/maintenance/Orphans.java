package datapipe.maintenance;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;

/**
 * Deletes files in a table's folder that its metadata does not refer to.
 *
 * <p>A file that the sink has written is one until its commit, which comes as late as days after
 * that if the catalog was away: only files older than Settings.orphansMinAge are deleted. Older
 * versions of the table's metadata are deleted sooner, since no commit can make one of them
 * current: each is compared with the version before it.
 */
final class Orphans {
  private static final String METADATA = "metadata/";
  private static final Pattern VERSION = Pattern.compile("(\\d+)-[^/]*\\.metadata\\.json");
  private static final Duration METADATA_GRACE = Duration.ofHours(1);
  // Held in memory at a time.
  private static final int CANDIDATES = 20_000;

  private final ArchiveTable table;
  private final Duration minAge;
  private final long now = System.currentTimeMillis();
  private final String location;

  private final LocationHashes referenced = new LocationHashes();
  private final Set<String> candidates = new HashSet<>();
  private long metadataBytes;
  private int deleted;

  Orphans(ArchiveTable table, Duration minAge) {
    this.table = table;
    this.minAge = minAge;
    this.location = FileLocation.folder(table.iceberg().location());
  }

  /**
   * What was found.
   *
   * @param deleted orphans that were deleted
   * @param metadataBytes of the files that stay in the folder of the metadata
   */
  record Found(int deleted, long metadataBytes) {}

  Found delete() {
    table.iceberg().refresh();
    ReferencedFiles.forEach(table, referenced::add);
    int version = version(table.metadata().metadataFileLocation());
    boolean isListed = false;
    String current = FileLocation.normalized(table.metadata().metadataFileLocation());
    for (FileInfo file : list()) {
      String name = FileLocation.normalized(file.location());
      isListed |= name.equals(current);
      boolean isMetadata = name.startsWith(location + METADATA);
      if (isOld(file, name, version) && !referenced.mayContain(name)) {
        candidates.add(name);
      } else if (isMetadata) {
        metadataBytes += file.size();
      }
      if (candidates.size() == CANDIDATES) {
        deleteCandidates();
      }
    }
    // Otherwise the list has other names than the metadata has, and everything would be an orphan.
    if (!isListed) {
      throw new IllegalStateException(current + " is not in the list of " + location);
    }
    deleteCandidates();
    return new Found(deleted, metadataBytes);
  }

  /** Delete what the metadata, read after the files were listed, does not refer to either. */
  private void deleteCandidates() {
    if (candidates.isEmpty()) {
      return;
    }
    table.iceberg().refresh();
    ReferencedFiles.forEach(table, candidates::remove);
    deleted += new FileDeletion(table).delete(candidates);
    candidates.clear();
  }

  private Iterable<FileInfo> list() {
    return ((SupportsPrefixOperations) table.iceberg().io()).listPrefix(location);
  }

  private boolean isOld(FileInfo file, String name, int current) {
    int version = name.startsWith(location + METADATA) ? version(name) : -1;
    boolean isEarlierMetadata = 0 <= version && version < current;
    Duration grace = isEarlierMetadata ? METADATA_GRACE : minAge;
    return file.createdAtMillis() < now - grace.toMillis();
  }

  /** The number in the name of a version of the metadata; -1: another kind of file. */
  private static int version(String location) {
    Matcher name = VERSION.matcher(location.substring(location.lastIndexOf('/') + 1));
    return name.matches() ? Integer.parseInt(name.group(1)) : -1;
  }
}
