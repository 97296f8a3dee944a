"""The commands of `datapipe dlq`, each on the stack that it names."""

from confluent_kafka import TopicPartition

from clients.archive import open_archives
from clients.connect import connect_client, sink_connector
from clients.console import console, log
from clients.dlq import replay as replays
from clients.dlq import skip as skips
from clients.dlq.dead_letters import DeadLetter, DeadLetterReader, RecordPosition
from clients.dlq.render import letters_table, print_letter
from clients.dlq.sink import source_of
from clients.stack import StackOutputs, read_outputs


def list_letters(
    stack: str,
    topic: str | None,
    *,
    include_done: bool,
    limit: int,
    source: str | None = None,
) -> None:
    """Print the pending dead letters; with `include_done` also those replayed or dismissed.

    `source`: only those of this captured database.
    """
    outputs = read_outputs(stack)
    prefix = None if source is None else outputs.of(source).topic_prefix
    with DeadLetterReader(outputs.kafka, replays.GROUP) as reader:
        start = replays.pending(reader, _topics(outputs, topic))
        if include_done:
            start = [TopicPartition(each.topic, each.partition, 0) for each in start]
        letters = [each for each in reader.read(start) if prefix in {None, _prefix(each)}]
    console().print(letters_table(letters[:limit]))
    pending = "" if include_done else " pending"
    rest = f", the first {limit} shown" if len(letters) > limit else ""
    print(f"{len(letters)} dead letters{pending}{rest}")


def show(stack: str, position: RecordPosition) -> None:
    """Print one dead letter. Raises ReplayError if the position has no record."""
    outputs = read_outputs(stack)
    with DeadLetterReader(outputs.kafka, replays.GROUP) as reader:
        start = TopicPartition(position.topic, position.partition, position.offset)
        letter = next(iter(reader.read([start])), None)
    if letter is None or letter.position != position:
        raise replays.ReplayError(
            f"there is no dead letter at {position}; bin/datapipe dlq list shows their positions"
        )
    print_letter(console(), letter)


def replay(stack: str, topic: str | None, *, dry_run: bool) -> None:
    """Send the pending dead letters back, or print what would be sent."""
    outputs = read_outputs(stack)
    topics = _topics(outputs, topic)
    if dry_run:
        _print_due(outputs, topics)
        return
    done = replays.replay(
        outputs,
        open_archives(outputs),
        topics,
        lambda count: print(f"replayed {count} …"),
    )
    print(f"replayed {done.sent} dead letters; {done.archived} were already archived")


def _print_due(outputs: StackOutputs, topics: tuple[str, ...]) -> None:
    letters = _pending(outputs, topics)
    due = replays.to_send(outputs, open_archives(outputs), letters)
    for letter in letters:
        print(f"{letter.position} → {due.get(letter.position, 'already archived')}")
    print(f"{len(due)} dead letters would be replayed")


def _pending(outputs: StackOutputs, topics: tuple[str, ...]) -> list[DeadLetter]:
    with DeadLetterReader(outputs.kafka, replays.GROUP) as reader:
        return list(reader.read(replays.pending(reader, topics)))


def dismiss(stack: str, topic: str | None) -> None:
    """Mark the pending dead letters as done."""
    outputs = read_outputs(stack)
    count = replays.dismiss(outputs.kafka, _topics(outputs, topic))
    print(f"dismissed {count} dead letters")


def skip(stack: str, positions: list[RecordPosition]) -> None:
    """Make dead letters of records that stop the sink."""
    outputs = read_outputs(stack)
    sink = sink_connector(outputs)
    records = skips.StuckRecords(outputs.kafka, sink, positions)
    skips.skip(connect_client(outputs), records, log, skips.Timeouts())
    print(f"{sink} runs again, after {records}; bin/datapipe dlq list shows them")


def _prefix(letter: DeadLetter) -> str:
    return source_of(letter.origin.topic) if letter.origin else ""


def _topics(outputs: StackOutputs, topic: str | None) -> tuple[str, ...]:
    return (topic,) if topic else outputs.dead_letter_topics.names
