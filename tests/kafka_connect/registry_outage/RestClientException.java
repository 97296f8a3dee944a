package io.confluent.kafka.schemaregistry.client.rest.exceptions;

/** A copy in shape of the exception of Confluent's client, which Maven Central does not have. */
public class RestClientException extends Exception {
  public final int errorCode;

  public RestClientException(String message, int errorCode) {
    super(message + "; error code: " + errorCode);
    this.errorCode = errorCode;
  }
}
