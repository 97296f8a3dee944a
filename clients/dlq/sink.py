"""What the sink did with the records whose dead letters are at hand.

A sink's position moves past a refused record only with a later one that it took. Until then it
reads the refused record again whenever its tasks restart, so the repair itself may archive it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from confluent_kafka import TopicPartition

from clients.archive import TOPIC_PREFIX, Archive
from clients.dlq.letters import Letter, LetterReader

Change = tuple[int, str, tuple[tuple[str, Any], ...]]
"""A change's place in PostgreSQL's log, its operation and its row's key: no two share all three."""


def not_passed(bootstrap_servers: str, letters: Iterable[Letter]) -> list[Letter]:
    """The letters whose records the sink will read again: it has not committed a later one."""
    by_connector: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        by_connector[letter.errors.get("connector.name", "")].append(letter)
    return [
        letter
        for connector, its_letters in by_connector.items()
        for letter in _behind_the_position(bootstrap_servers, connector, its_letters)
    ]


def _behind_the_position(
    bootstrap_servers: str, connector: str, letters: list[Letter]
) -> Iterator[Letter]:
    origins = [letter.origin for letter in letters]
    places = {(origin.topic, origin.partition) for origin in origins if origin}
    with LetterReader(bootstrap_servers, f"connect-{connector}") as sink:
        position = sink.dealt_with([TopicPartition(*place) for place in sorted(places)])
    for letter, origin in zip(letters, origins, strict=True):
        if origin and position[origin.topic, origin.partition] <= origin.offset:
            yield letter


def archived(archive: Archive, letters: Iterable[Letter]) -> set[Change]:
    """The changes among the letters that the archive has."""
    wanted: dict[str, set[Change]] = defaultdict(set)
    for letter in letters:
        if letter.origin and (change := change_of(letter)):
            wanted[letter.origin.topic.removeprefix(f"{TOPIC_PREFIX}.")].add(change)
    return {
        change for table, changes in wanted.items() for change in _found(archive, table, changes)
    }


def _found(archive: Archive, table: str, changes: set[Change]) -> Iterator[Change]:
    first = min(lsn for lsn, _, _ in changes)
    keys = {name for _, _, key in changes for name, _ in key}
    columns = ("__source_lsn", "__op", *sorted(keys))
    for row in archive.changes(table, since_lsn=first, columns=columns).to_pylist():
        change = (
            row["__source_lsn"],
            row["__op"],
            tuple((name, row[name]) for name in sorted(keys)),
        )
        if change in changes:
            yield change


def change_of(letter: Letter) -> Change | None:
    """Which change a letter's record is; None where it is no JSON record of a change."""
    key, value = (_payload(part) for part in (letter.key, letter.value))
    if not isinstance(key, dict) or not isinstance(value, dict):
        return None
    if not {"__source_lsn", "__op"} <= value.keys():
        return None
    return value["__source_lsn"], value["__op"], tuple(sorted(key.items()))


def _payload(part: bytes | None) -> Any:
    try:
        document = json.loads(part or b"null")
    except ValueError:
        return None
    return document.get("payload") if isinstance(document, dict) else None
