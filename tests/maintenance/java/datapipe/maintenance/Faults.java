package datapipe.maintenance;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;

/** What happens just before an operation of the files or of the catalog. */
final class Faults {
  // No lock: the hook's own operations run in other threads, too.
  private static final AtomicBoolean IS_IN_HOOK = new AtomicBoolean();
  private static volatile BiConsumer<String, String> hook = (operation, location) -> {};

  private Faults() {}

  /** Calls a hook before each operation, which it may let fail; not before its own operations. */
  static void set(BiConsumer<String, String> next) {
    hook = next;
  }

  static void clear() {
    hook = (operation, location) -> {};
  }

  static void before(String operation, String location) {
    if (!IS_IN_HOOK.compareAndSet(false, true)) {
      return;
    }
    try {
      hook.accept(operation, location);
    } finally {
      IS_IN_HOOK.set(false);
    }
  }

  /** The process was killed: nothing more is done, not even what tidies up. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }
}
