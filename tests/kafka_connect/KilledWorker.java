import datapipe.postgres.ResumingTask;
import io.debezium.data.Envelope;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/**
 * Runs the source task as an exactly-once worker does, and as one that is killed.
 *
 * <p>Arguments: a file of properties and a seed. Each line of the input is a number of records, after
 * which the worker is killed: what came after the last commit is forgotten. 0 reads to the end of the
 * snapshot and to an insert with the text "the end". After +NUMBER records the task goes on with the
 * next line. A line NAME=VALUE changes a property of the next task. With the property "repeats" a
 * task goes on after a retriable error, as in a worker. A record that is committed is printed as
 * operation, table, position, `id` and `v`; the end of a line of input as "done".
 */
public class KilledWorker {
  /** What a committed transaction has stored, as Connect's JSON brings it back. */
  private static final Map<Map<String, ?>, Map<String, Object>> STORED = new HashMap<>();
  /** The task of the line before, if it goes on. */
  private static ResumingTask running;

  public static void main(String[] arguments) throws Exception {
    Properties given = new Properties();
    given.load(Files.newBufferedReader(Path.of(arguments[0])));
    Map<String, String> properties = new HashMap<>();
    given.forEach((name, value) -> properties.put(name.toString(), value.toString()));
    Random random = new Random(Long.parseLong(arguments[1]));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] changed = line.split("=", 2);
      if (changed.length == 2) {
        properties.put(changed[0], changed[1]);
      } else {
        try {
          run(properties, Integer.parseInt(line), line.startsWith("+"), random);
        } catch (RuntimeException error) {
          report(error);
          continue;
        }
      }
      System.out.println("done");
    }
    System.exit(0); // Debezium's threads may be left
  }

  private static void report(RuntimeException error) {
    error.printStackTrace();
    String cause = "";
    for (Throwable each = error; each != null; each = each.getCause()) {
      cause = each.getMessage();
    }
    System.out.println(String.join("\t", "failed",
        error instanceof RetriableException ? "retriable" : "final",
        error.getMessage() + ": " + cause).replace("\n", " "));
  }

  private static void run(
      Map<String, String> properties, int records, boolean goesOn, Random random)
      throws InterruptedException {
    ResumingTask task = running == null ? new ResumingTask() : running;
    boolean isStarted = running != null;
    running = null;
    boolean isWhole = false;
    try {
      if (!isStarted) {
        task.initialize(new Context(properties));
        task.start(properties);
      }
      read(task, properties, records, goesOn, random);
      isWhole = true;
    } finally {
      if (!isWhole || !goesOn) {
        stop(task);
      }
    }
    running = goesOn ? task : null;
  }

  private static void read(ResumingTask task, Map<String, String> properties, int records,
      boolean goesOn, Random random) throws InterruptedException {
    boolean isEnd = false;
    for (int read = 0; !isEnd && (records == 0 || read < records); ) {
      List<SourceRecord> batch = polled(task, properties);
      read += batch.size();
      boolean isKilled = !goesOn && records > 0 && read >= records;
      for (SourceRecord record : isKilled ? committed(batch, random) : batch) {
        isEnd |= commit(record) && records == 0;
        task.commitRecord(record, null);
      }
      if (!isKilled || random.nextBoolean()) {
        commit(task);
      }
    }
  }

  /** Confirms positions to the database. Connect logs an error of that, and polls on. */
  private static void commit(ResumingTask task) throws InterruptedException {
    try {
      task.commit();
    } catch (ConnectException error) {
      error.printStackTrace();
    }
  }

  /** Returns the next records; none where the task starts again, as after a lost connection. */
  private static List<SourceRecord> polled(ResumingTask task, Map<String, String> properties)
      throws InterruptedException {
    try {
      List<SourceRecord> batch = task.poll();
      return batch == null ? List.of() : batch;
    } catch (RetriableException error) {
      if (!properties.containsKey("repeats")) {
        throw error;
      }
      return List.of();
    }
  }

  /** Returns what a killed worker has committed of its last batch: nothing, a part, or all. */
  private static List<SourceRecord> committed(List<SourceRecord> batch, Random random) {
    int part = batch.isEmpty() ? 0 : random.nextInt(batch.size());
    return batch.subList(0, List.of(0, part, part, batch.size()).get(random.nextInt(4)));
  }

  /** Ends a task. Its thread may wait for room in the queue, so someone takes the records. */
  private static void stop(ResumingTask task) throws InterruptedException {
    Thread drain = new Thread(() -> {
      try {
        while (true) {
          task.doPoll();
        }
      } catch (InterruptedException | RuntimeException end) {
        // the task has ended
      }
    });
    drain.start();
    task.stop();
    drain.interrupt();
    drain.join();
  }

  /** Stores and prints a record; returns whether it is the last one. */
  private static boolean commit(SourceRecord record) {
    Map<String, Object> offset = new HashMap<>();
    record.sourceOffset().forEach((name, value) ->
        offset.put(name, value instanceof Integer || value instanceof Short
            ? Long.valueOf(((Number) value).longValue()) : value));
    STORED.put(Map.copyOf(record.sourcePartition()), offset);
    Struct event = (Struct) record.value();
    if (event == null || event.schema().field(Envelope.FieldName.SOURCE) == null) {
      return false; // a tombstone, or a heartbeat
    }
    Struct source = event.getStruct(Envelope.FieldName.SOURCE);
    String operation = event.getString(Envelope.FieldName.OPERATION);
    Struct row = event.getStruct(operation.equals("d") ? "before" : "after");
    Object id = row == null ? "" : row.get("id");
    Object content = row == null ? "" : row.get("v");
    System.out.println(String.join("\t", operation,
        source.getString("schema") + "." + source.getString("table"), source.get("lsn").toString(),
        String.valueOf(id).replace("\n", "\\n"), String.valueOf(content)));
    return operation.equals("c") && "the end".equals(content);
  }

  private static final class Context implements SourceTaskContext, OffsetStorageReader {
    private final Map<String, String> properties;

    Context(Map<String, String> properties) {
      this.properties = properties;
    }

    @Override
    public Map<String, String> configs() {
      return properties;
    }

    @Override
    public OffsetStorageReader offsetStorageReader() {
      return this;
    }

    @Override
    public <T> Map<String, Object> offset(Map<String, T> partition) {
      return STORED.get(partition);
    }

    @Override
    public <T> Map<Map<String, T>, Map<String, Object>> offsets(
        Collection<Map<String, T>> partitions) {
      Map<Map<String, T>, Map<String, Object>> found = new HashMap<>();
      partitions.forEach(partition -> found.put(partition, STORED.get(partition)));
      return found;
    }
  }
}
