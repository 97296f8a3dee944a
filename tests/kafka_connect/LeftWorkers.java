import java.lang.reflect.Method;
import java.util.concurrent.TimeUnit;

/** Prints what a worker shows of what was refused: directly afterwards, and once it is forgotten. */
public class LeftWorkers {
  public static void main(String[] ignored) throws Exception {
    long later = System.nanoTime() + TimeUnit.MINUTES.toNanos(6);
    Object slot = call("datapipe.postgres.ContinuityState", "of", null, "any");
    System.out.println(call(null, "continuousAt", slot, System.nanoTime()));
    System.out.println(call(null, "continuousAt", slot, later));
    call(null, "update", slot, true);
    System.out.println(call(null, "continuousAt", slot, later));
    java.lang.reflect.Field ofWorker =
        Class.forName("datapipe.connect.RegistryState").getDeclaredField("OF_WORKER");
    ofWorker.setAccessible(true);
    Object registry = ofWorker.get(null);
    call(null, "refused", registry, "t-value", System.nanoTime());
    System.out.println(call(null, "refusedAt", registry, "t-value", System.nanoTime()));
    System.out.println(call(null, "refusedAt", registry, "t-value", later));
    call(null, "refused", registry, "t-value", later);
    System.out.println(call(null, "refusedAt", registry, "t-value", later));
  }

  private static Object call(String type, String name, Object target, Object... arguments)
      throws Exception {
    Class<?> owner = target == null ? Class.forName(type) : target.getClass();
    for (Method method : owner.getDeclaredMethods()) {
      if (method.getName().equals(name) && method.getParameterCount() == arguments.length) {
        method.setAccessible(true);
        return method.invoke(target, arguments);
      }
    }
    throw new NoSuchMethodException(name);
  }
}
