package datapipe.maintenance;

import org.apache.iceberg.exceptions.ValidationException;

/** A commit would change the sink's place: the sink has committed since it was planned. */
final class PlaceMovedException extends ValidationException {
  private static final long serialVersionUID = 1L;

  PlaceMovedException(SinkPlace now, SinkPlace planned) {
    super("The sink's place is %s now; the commit has %s", now.offsets(), planned.offsets());
  }
}
