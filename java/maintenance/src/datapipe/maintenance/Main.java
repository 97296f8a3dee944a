package datapipe.maintenance;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Maintains the Iceberg tables of an archive, while the sink commits to them.
 *
 * <pre>
 * Main PROPERTIES maintain                  every table of the properties file, one after the other
 * Main PROPERTIES erase --table T --key K   the rows of a key, from everywhere (ErasureRequest)
 * </pre>
 *
 * <p>Exit code 0: done; 1: some table failed, the others are done; 2: the arguments or the
 * properties are wrong. After SIGTERM it stops before the next step, and the next run goes on.
 *
 * <p>It runs with the jars of Iceberg's sink on the classpath. Of a pod of 512 MiB, a heap of 256 MiB,
 * 80 MiB of metaspace and 48 MiB of compiled code leave room for the rest. Rows that are sorted and
 * parts of uploads are in java.io.tmpdir, up to about 2 GiB.
 */
public final class Main {
  private static final String USAGE = "usage: Main PROPERTIES maintain|erase";
  private static final int SOME_FAILED = 1;
  private static final int WRONG_USE = 2;

  private Main() {}

  public static void main(String[] arguments) throws IOException {
    System.exit(run(List.of(arguments)));
  }

  private static int run(List<String> arguments) throws IOException {
    if (arguments.size() < 2) {
      System.err.println(USAGE);
      return WRONG_USE;
    }
    Settings settings;
    try {
      settings = Settings.read(Path.of(arguments.get(0)));
    } catch (InvalidSettingsException invalid) {
      System.err.println(arguments.get(0) + ": " + invalid.getMessage());
      return WRONG_USE;
    }
    // Closed last, and before System.exit, which waits for it.
    try (StopSignal stop = StopSignal.ofThisProcess();
        Archive archive = Archive.open(settings)) {
      switch (arguments.get(1)) {
        case "maintain":
          return new Maintenance(archive, stop).run() ? 0 : SOME_FAILED;
        case "erase":
          return erase(archive, arguments.subList(2, arguments.size()), stop);
        default:
          System.err.println(arguments.get(1) + " is not a command; " + USAGE);
          return WRONG_USE;
      }
    }
  }

  private static int erase(Archive archive, List<String> options, StopSignal stop) {
    try {
      ErasureRequest request = ErasureRequest.parse(options);
      if (!archive.settings().tables().contains(request.table())) {
        throw new InvalidSettingsException(
            request.table() + " is not archived; allowed: " + archive.settings().tables());
      }
      if (!archive.has(request.table())) {
        System.out.println(request.table() + ": the sink has not created it yet");
        System.out.println("{\"outcome\": \"nothing\"}");
        return 0;
      }
      return new Erasure(archive.table(request.table()), request, stop).run() ? 0 : SOME_FAILED;
    } catch (InvalidSettingsException invalid) {
      System.err.println(invalid.getMessage());
      return WRONG_USE;
    } catch (StopSignal.StoppedException stopped) {
      System.out.println(stopped.getMessage());
      return SOME_FAILED;
    }
  }
}
