package datapipe.aging;

import java.util.EnumMap;
import java.util.Map;

/** The requests that S3 would have got from this process, and the bytes that were put. */
final class Requests {
  enum Kind {
    PUT,
    /** Each opening of an object counts once; S3's client may read it in several ranges. */
    GET,
    HEAD,
    LIST,
    DELETE
  }

  private static final Map<Kind, Long> COUNTS = new EnumMap<>(Kind.class);

  private Requests() {}

  static synchronized void count(Kind kind, long requests) {
    COUNTS.merge(kind, requests, Long::sum);
  }

  /** Returns the counts since the last call, and starts again. */
  static synchronized Map<Kind, Long> take() {
    Map<Kind, Long> taken = new EnumMap<>(Kind.class);
    for (Kind kind : Kind.values()) {
      taken.put(kind, COUNTS.getOrDefault(kind, 0L));
    }
    COUNTS.clear();
    return taken;
  }
}
