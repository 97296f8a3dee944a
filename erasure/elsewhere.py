"""Where else a row can be: topics, dead letters, other tables. None of these is changed."""

from collections.abc import Iterator

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from clients.stack import StackError, StackOutputs

REQUEST_SECONDS = 15
HOUR_MS = 3_600_000


def notes(outputs: StackOutputs, table: str, referring: list[str]) -> Iterator[str]:
    """Yield a sentence for each place that has or can have rows of the key."""
    topic = outputs.topic_of(table)
    for name, what in (
        (topic, "its records with the key"),
        (outputs.dead_letter_topics.sink, "rows that the sink refused, with their values"),
        (outputs.dead_letter_topics.connect, "rows that another sink refused"),
    ):
        yield f"the topic {name} keeps {what} {_how_long(outputs, name)}"
    if referring:
        yield (
            f"rows of other tables refer to the key and are not erased: {', '.join(referring)}."
            " Erase them by their own keys"
        )
    yield (
        "copies outside this stack are not erased: backups of the database and of the bucket,"
        " replicas of the bucket, and the WAL"
    )


def _how_long(outputs: StackOutputs, topic: str) -> str:
    """Return how long a topic keeps records. Raises StackError if no broker answers."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        admin = AdminClient({**outputs.kafka, "log_level": 0})
        answer = admin.describe_configs([resource], request_timeout=REQUEST_SECONDS)
        config = answer[resource].result(REQUEST_SECONDS)
    except KafkaException as error:
        raise StackError(f"how long {topic} keeps records is not known: {error}") from None
    if "delete" not in config["cleanup.policy"].value:
        return "until a newer record with their key"
    limit = int(config["retention.ms"].value)
    if limit < 0:
        return "without a limit of time"
    # Kafka deletes whole segments, and the last one is open for as long as segment.ms.
    longest = (limit + int(config["segment.ms"].value)) / HOUR_MS
    return f"for {limit / HOUR_MS:g} to {longest:g} hours after they were written"
