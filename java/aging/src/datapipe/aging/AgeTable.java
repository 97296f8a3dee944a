package datapipe.aging;

import java.io.FileReader;
import java.io.PrintStream;
import java.io.Reader;
import java.util.Properties;

/**
 * Ages a table; prints a line of JSON at each checkpoint and waits for a line on stdin.
 *
 * <p>The argument names a file of properties; bench/archive_growth.py writes it.
 */
public final class AgeTable {
  private AgeTable() {}

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    try (Reader file = new FileReader(arguments[0])) {
      settings.load(file);
    }
    // The maintenance program prints what it does on stdout.
    PrintStream results = System.out;
    System.setOut(System.err);
    new Aging(settings, results).run();
    results.flush();
  }
}
