"""The commands of `datapipe dlq`, each on the stack that it names."""

from confluent_kafka import TopicPartition

from clients.archive import open_archive
from clients.connect import connect_client, sink_connector
from clients.console import console, log
from clients.dlq import replay as replays
from clients.dlq import skip as skips
from clients.dlq.dead_letters import DeadLetter, DeadLetterReader, RecordPosition
from clients.dlq.render import letters_table, print_letter
from clients.stack import StackOutputs, read_outputs
from clients.topics import DEAD_LETTER_TOPICS


def list_letters(stack: str, topic: str | None, *, include_done: bool, limit: int) -> None:
    """Print the pending dead letters; with `include_done` also those replayed or dismissed."""
    outputs = read_outputs(stack)
    with DeadLetterReader(outputs.bootstrap_servers, replays.GROUP) as reader:
        start = replays.pending(reader, _topics(topic))
        if include_done:
            start = [TopicPartition(each.topic, each.partition, 0) for each in start]
        letters = list(reader.read(start))
    console().print(letters_table(letters[:limit]))
    pending = "" if include_done else " pending"
    rest = f", the first {limit} shown" if len(letters) > limit else ""
    print(f"{len(letters)} dead letters{pending}{rest}")


def show(stack: str, position: RecordPosition) -> None:
    """Print one dead letter. Raises ReplayError if there is none at this position."""
    outputs = read_outputs(stack)
    with DeadLetterReader(outputs.bootstrap_servers, replays.GROUP) as reader:
        start = TopicPartition(position.topic, position.partition, position.offset)
        letter = next(iter(reader.read([start])), None)
    if letter is None or letter.position != position:
        raise replays.ReplayError(
            f"there is no dead letter at {position}; datapipe dlq list shows their positions"
        )
    print_letter(console(), letter)


def replay(stack: str, topic: str | None, *, dry_run: bool) -> None:
    """Send the pending dead letters back, or print what would be sent."""
    outputs = read_outputs(stack)
    if dry_run:
        _print_due(outputs, _topics(topic))
        return
    done = replays.replay(
        outputs.bootstrap_servers,
        open_archive(outputs.archive),
        _topics(topic),
        lambda count: print(f"replayed {count} …"),
    )
    print(f"replayed {done.sent} dead letters; {done.archived} were already archived")


def _print_due(outputs: StackOutputs, topics: tuple[str, ...]) -> None:
    letters = _pending(outputs, topics)
    due = replays.to_send(outputs.bootstrap_servers, open_archive(outputs.archive), letters)
    for letter in letters:
        print(f"{letter.position} → {due.get(letter.position, 'already archived')}")
    print(f"{len(due)} dead letters would be replayed")


def _pending(outputs: StackOutputs, topics: tuple[str, ...]) -> list[DeadLetter]:
    with DeadLetterReader(outputs.bootstrap_servers, replays.GROUP) as reader:
        return list(reader.read(replays.pending(reader, topics)))


def dismiss(stack: str, topic: str | None) -> None:
    """Mark the pending dead letters as done."""
    count = replays.dismiss(read_outputs(stack).bootstrap_servers, _topics(topic))
    print(f"dismissed {count} dead letters")


def skip(stack: str, positions: list[RecordPosition]) -> None:
    """Make dead letters of records that stop the sink."""
    outputs = read_outputs(stack)
    sink = sink_connector(outputs)
    records = skips.StuckRecords(outputs.bootstrap_servers, sink, positions)
    skips.skip(connect_client(outputs), records, log, skips.Timeouts())
    print(f"{sink} runs again, after {records}; datapipe dlq list shows them")


def _topics(topic: str | None) -> tuple[str, ...]:
    return (topic,) if topic else DEAD_LETTER_TOPICS
