package datapipe.maintenance;

import java.nio.file.Path;

/** The deployed maintenance program's run, in the process of the benchmark. */
public final class MaintenanceRun {
  private final Archive archive;

  private MaintenanceRun(Archive archive) {
    this.archive = archive;
  }

  /** Opens what a file of the program's properties names. */
  public static MaintenanceRun of(String properties) throws Exception {
    return new MaintenanceRun(Archive.open(Settings.read(Path.of(properties))));
  }

  /** Maintains every table. Throws IllegalStateException if one fails. */
  public void run() throws Exception {
    if (!new Maintenance(archive, new StopSignal()).run()) {
      throw new IllegalStateException("a table's maintenance failed; its lines above say why");
    }
  }
}
