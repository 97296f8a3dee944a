package datapipe.aging;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.Files;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;

/**
 * Reads a table's metadata as often as the worker has tables, and writes each as a commit does.
 *
 * <p>Prints the heap that is used then, in bytes. The worker's JVM ends where this one does.
 */
public final class ReadMetadata {
  private ReadMetadata() {}

  public static void main(String[] arguments) {
    String file = arguments[0];
    List<TableMetadata> tables = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
      tables.add(TableMetadataParser.read(Files.localInput(file)));
    }
    for (TableMetadata table : tables) {
      File copy = new File(file + ".copy");
      TableMetadataParser.overwrite(table, Files.localOutput(copy));
      copy.delete();
    }
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    System.out.println(runtime.totalMemory() - runtime.freeMemory());
    // Still in use: the worker keeps its tables.
    if (tables.stream().mapToInt(table -> table.snapshots().size()).sum() < 0) {
      throw new IllegalStateException();
    }
  }
}
