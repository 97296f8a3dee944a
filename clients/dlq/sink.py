"""Finds out which dead letters' records the sink archived, or will read again.

A sink commits the offset of a refused record only together with a later record that it accepts.
Until then it reads the refused record again whenever its tasks restart, so restarting a repaired
sink can archive the record without a replay.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import TopicPartition

from clients.archive import Archive
from clients.dlq.dead_letters import DeadLetter, DeadLetterReader

# Debezium's __op of a TRUNCATE, which is about no row and has no key.
TRUNCATE = "t"

# A change's position in PostgreSQL's WAL, its operation and its row's key; together they are unique
# in a topic.
Change = tuple[int, str, tuple[tuple[str, Any], ...]]


def not_passed(kafka: Mapping[str, str], letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """Return the dead letters whose records the sink will read again."""
    by_connector: dict[str, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        by_connector[letter.errors.get("connector.name", "")].append(letter)
    return [
        letter
        for connector, its_letters in by_connector.items()
        for letter in _not_committed(kafka, connector, its_letters)
    ]


def _not_committed(
    kafka: Mapping[str, str], connector: str, letters: list[DeadLetter]
) -> Iterator[DeadLetter]:
    origins = [letter.origin for letter in letters]
    partitions = {origin.topic_partition for origin in origins if origin}
    with DeadLetterReader(kafka, f"connect-{connector}") as sink:
        committed = sink.committed_offsets([TopicPartition(*each) for each in sorted(partitions)])
    for letter, origin in zip(letters, origins, strict=True):
        if origin and committed[origin.topic_partition] <= origin.offset:
            yield letter


def source_of(topic: str) -> str:
    """Return the prefix of a captured table's topic; it has no dot."""
    return topic.partition(".")[0]


def archived(
    archives: Mapping[str, Archive], letters: Iterable[DeadLetter]
) -> set[tuple[str, Change]]:
    """Return the changes of the dead letters that are in the archive, each with its topic.

    `archives` are those of the captured databases, by the prefix of their topics. Raises KeyError
    for a topic of none of them.
    """
    wanted: dict[str, set[Change]] = defaultdict(set)
    for letter in letters:
        if letter.origin and (change := change_of(letter)):
            wanted[letter.origin.topic].add(change)
    return {
        (topic, change)
        for topic, changes in wanted.items()
        for change in _found(archives[source_of(topic)], topic.partition(".")[2], changes)
    }


def _found(archive: Archive, table: str, changes: set[Change]) -> Iterator[Change]:
    first = min(lsn for lsn, _, _ in changes)
    keys = {name for _, _, key in changes for name, _ in key}
    columns = ("__source_lsn", "__op", *sorted(keys))
    for row in archive.changes(table, since_lsn=first, columns=columns).to_pylist():
        key = () if row["__op"] == TRUNCATE else tuple((name, row[name]) for name in sorted(keys))
        change = (row["__source_lsn"], row["__op"], key)
        if change in changes:
            yield change


def change_of(letter: DeadLetter) -> Change | None:
    """Return the change that a dead letter holds; None if it is not a JSON record of a change."""
    key, value = (_payload(part) for part in (letter.key, letter.value))
    if not isinstance(value, dict) or not {"__source_lsn", "__op"} <= value.keys():
        return None
    if value["__op"] == TRUNCATE:
        return value["__source_lsn"], TRUNCATE, ()
    if not isinstance(key, dict):
        return None
    return value["__source_lsn"], value["__op"], tuple(sorted(key.items()))


def _payload(part: bytes | None) -> Any:
    try:
        document = json.loads(part or b"null")
    except ValueError:
        return None
    return document.get("payload") if isinstance(document, dict) else None
