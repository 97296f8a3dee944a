package datapipe.postgres;

/** What JMX shows of the connector of a slot. */
public interface ContinuityStateMBean {
  double getContinuous();
}
