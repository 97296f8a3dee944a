package datapipe.postgres;

import java.io.IOException;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Prints for each SQLSTATE of its arguments what becomes of a task that captures changes, and of one
 * that reads rows; and then for how long an error that passes is waited for.
 */
public class DatabaseAnswers {
  public static void main(String[] states) {
    for (String state : states) {
      Exception cause = state.equals("none") ? new IOException("closed")
          : new SQLException("refused", state);
      RetriableException error =
          new RetriableException("restart", new RuntimeException("stream", cause));
      System.out.println(state + " " + kind(new DatabaseErrors().streaming(error)) + " "
          + kind(new DatabaseErrors().reading(error)));
    }
    DatabaseErrors errors = new DatabaseErrors();
    show("again and again", errors, 0, 60, 120, 121, 180);
    errors.passed();
    show("after records", errors, 181, 300, 302);
    show("long afterwards", errors, 500, 501);
  }

  private static String kind(Exception error) {
    return error instanceof RetriableException ? "retried" : "failed";
  }

  private static void show(String about, DatabaseErrors errors, long... seconds) {
    StringBuilder line = new StringBuilder(about + ":");
    for (long second : seconds) {
      line.append(' ').append(errors.isFreshAt(TimeUnit.SECONDS.toNanos(second)));
    }
    System.out.println(line);
  }
}
