package datapipe.postgres;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javax.management.JMException;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Whether each table is what its connector captures, as MBeans.
 *
 * <pre>
 * datapipe:type=captured,table=…   captured (1, or 0; NaN while the database was not asked)
 * </pre>
 *
 * <p>Before the table there is `source=…` where two sources may have tables of one name.
 */
final class TableStates {
  /** What JMX shows of a table. */
  public interface StateMBean {
    double getCaptured();
  }

  /** A table's state. */
  public static final class State implements StateMBean {
    private volatile double captured = Double.NaN;

    @Override
    public double getCaptured() {
      return captured;
    }
  }

  private final Map<String, State> states = new LinkedHashMap<>();
  private final String prefix;

  TableStates(String source) {
    prefix = "datapipe:type=captured," + (source.isEmpty() ? "" : "source=" + source + ",");
  }

  synchronized void register(Collection<String> tables) {
    try {
      for (String table : tables) {
        State state = new State();
        Beans.replace(name(table), state);
        states.put(table, state);
      }
    } catch (JMException error) {
      throw new ConnectException("cannot show the captured tables' states", error);
    }
  }

  synchronized void update(Set<String> notCaptured) {
    states.forEach((table, state) -> state.captured = notCaptured.contains(table) ? 0 : 1);
  }

  synchronized void unknown() {
    states.values().forEach(state -> state.captured = Double.NaN);
  }

  synchronized void unregister() {
    try {
      for (String table : states.keySet()) {
        Beans.remove(name(table));
      }
    } catch (JMException error) {
      throw new ConnectException("cannot remove the captured tables' states", error);
    }
    states.clear();
  }

  private ObjectName name(String table) throws JMException {
    return new ObjectName(prefix + "table=" + table);
  }
}
