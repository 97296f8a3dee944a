package datapipe.maintenance;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.iceberg.io.BulkDeletionFailureException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.SupportsBulkOperations;

/** Deletes files of one table, and no others. */
final class FileDeletion {
  private final ArchiveTable table;
  private final String location;

  FileDeletion(ArchiveTable table) {
    this.table = table;
    this.location = FileLocation.folder(table.iceberg().location());
  }

  /**
   * Delete files; those that are not in the table's folder stay, and are printed.
   *
   * @return how many were deleted
   * @throws DeletionFailedException if some could not be deleted
   */
  int delete(Collection<String> files) {
    List<String> own = new ArrayList<>();
    for (String file : files) {
      if (FileLocation.normalized(file).startsWith(location)) {
        own.add(file);
      } else {
        table.log("left %s, which is not below %s", file, location);
      }
    }
    if (own.isEmpty()) {
      return 0;
    }
    FileIO io = table.iceberg().io();
    try {
      if (io instanceof SupportsBulkOperations) {
        ((SupportsBulkOperations) io).deleteFiles(own);
      } else {
        own.forEach(io::deleteFile);
      }
    } catch (BulkDeletionFailureException failure) {
      throw new DeletionFailedException(
          String.format("%d of %d files", failure.numberFailedObjects(), own.size()), failure);
    } catch (RuntimeException failure) {
      throw new DeletionFailedException(String.format("%d files", own.size()), failure);
    }
    return own.size();
  }

  /** Some files could not be deleted; nothing refers to them, so a later run deletes them. */
  static final class DeletionFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DeletionFailedException(String files, RuntimeException cause) {
      super(files + " could not be deleted; they are orphans now: " + cause.getMessage(), cause);
    }
  }
}
