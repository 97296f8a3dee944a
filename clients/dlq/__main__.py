"""`python -m clients.dlq --stack sandbox list|show|replay|dismiss|skip`: what a sink refused."""

import argparse
import sys

from confluent_kafka import KafkaException, TopicPartition

from clients.archive import open_archive
from clients.connect import connect_client, sink_connector
from clients.console import console
from clients.dlq.letters import LetterReader, Place
from clients.dlq.render import letters_table, print_letter
from clients.dlq.replay import GROUP, ReplayError, dismiss, replay, to_send, waiting
from clients.dlq.skip import SkipError, StuckRecords, Times, skip
from clients.stack import StackError, StackOutputs, read_outputs
from clients.topics import DEAD_LETTER_TOPICS
from kafka_connect.cluster_access import ClusterAccessError
from kafka_connect.failures import ConnectError

ERRORS = (KafkaException, ReplayError, SkipError, StackError, ConnectError, ClusterAccessError)
"""What is told in a line."""


def main() -> int:
    """0 where it was done, 1 where it could not be."""
    arguments = _parser().parse_args()
    topics = (arguments.topic,) if arguments.topic else DEAD_LETTER_TOPICS
    try:
        outputs = read_outputs(arguments.stack)
        bootstrap_servers = outputs.bootstrap_servers
        match arguments.command:
            case "list":
                _list(bootstrap_servers, topics, arguments.all, arguments.limit)
            case "show":
                _show(bootstrap_servers, arguments.place)
            case "replay":
                _replay(outputs, topics, arguments.dry_run)
            case "dismiss":
                print(f"dismissed {dismiss(bootstrap_servers, topics)} dead letters")
            case "skip":
                _skip(outputs, arguments.places)
    except ERRORS as error:
        print(f"dlq: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clients.dlq", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--topic", help="one dead letter topic instead of all")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the letters that wait, with the reasons")
    listing.add_argument("--all", action="store_true", help="those dealt with, too")
    listing.add_argument("--limit", type=int, default=50, metavar="N")
    show = commands.add_parser("show", help="everything about one letter")
    show.add_argument("place", type=_place, metavar="topic/partition/offset")
    again = commands.add_parser("replay", help="send those that wait back to their own topics")
    again.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    commands.add_parser("dismiss", help="count those that wait as dealt with")
    stuck = commands.add_parser("skip", help="make dead letters of records that stop the sink")
    stuck.add_argument("places", type=_place, nargs="+", metavar="topic/partition/offset")
    return parser


def _place(text: str) -> Place:
    try:
        return Place.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _list(bootstrap_servers: str, topics: tuple[str, ...], everything: bool, limit: int) -> None:
    with LetterReader(bootstrap_servers, GROUP) as reader:
        start = waiting(reader, topics)
        if everything:
            start = [TopicPartition(each.topic, each.partition, 0) for each in start]
        letters = list(reader.read(start))
    console().print(letters_table(letters[:limit]))
    rest = f", the first {limit} shown" if len(letters) > limit else ""
    print(f"{len(letters)} dead letters{'' if everything else ' wait'}{rest}")


def _show(bootstrap_servers: str, place: Place) -> None:
    with LetterReader(bootstrap_servers, GROUP) as reader:
        start = TopicPartition(place.topic, place.partition, place.offset)
        letter = next(iter(reader.read([start])), None)
    if letter is None or letter.place != place:
        raise ReplayError(f"there is no dead letter {place}; list shows those that are there")
    print_letter(console(), letter)


def _replay(outputs: StackOutputs, topics: tuple[str, ...], dry_run: bool) -> None:
    servers, archive = outputs.bootstrap_servers, open_archive(outputs.archive)
    if dry_run:
        with LetterReader(servers, GROUP) as reader:
            letters = list(reader.read(waiting(reader, topics)))
        due = to_send(servers, archive, letters)
        for letter in letters:
            print(f"{letter.place} → {due.get(letter.place, 'archived already')}")
        print(f"{len(due)} dead letters would be replayed")
        return
    done = replay(servers, archive, topics, lambda count: print(f"replayed {count} …"))
    print(f"replayed {done.sent} dead letters, {done.archived} were archived already")


def _skip(outputs: StackOutputs, places: list[Place]) -> None:
    records = StuckRecords(outputs.bootstrap_servers, sink_connector(outputs), places)
    skip(connect_client(outputs), records, _say, Times())
    print(f"{records.sink} runs on behind {records}; make dlq lists them")


def _say(message: str) -> None:
    print(f"dlq: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
