"""What does not go together between the databases of a stack, by its key in the stack file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.config.athena import VIEWS_SUFFIX
from components.config.captured_database import CapturedDatabase
from components.config.existing_source import ExistingSource
from components.config.tables import CHOICE_OF_ONE_TABLE, clashes

Contradictions = Iterator[tuple[str, str]]
# Of Glue.
LONGEST_DATABASE = 255


def contradictions_between(databases: Sequence[CapturedDatabase], *, views: bool) -> Contradictions:
    """Yield what keeps databases from being captured in one stack.

    `views`: whether Athena's views are in databases of their own.
    """
    yield from _short_names(databases)
    yield from _topics(databases)
    yield from _shared(databases)
    yield from _catalogs(databases, views=views)


def _short_names(databases: Sequence[CapturedDatabase]) -> Contradictions:
    chosen = [
        one.name for one in databases if one.existing and one.existing.object_names == "short"
    ]
    if databases and databases[0].managed and databases[0].settings.object_names == "short":
        for name in chosen:
            yield (
                f"sources.{name}.objectNames",
                "short is already that of source.objectNames; set qualified",
            )
    for name in chosen[1:]:
        yield (
            f"sources.{name}.objectNames",
            f"short is already that of sources.{chosen[0]}: the objects of one database of a stack"
            " can have short names; set qualified",
        )


def _topics(databases: Sequence[CapturedDatabase]) -> Contradictions:
    """Yield the topics that Kafka does not tell apart, Debezium's of transactions among them."""
    owners = {
        f"{one.topic_prefix}.{table}": one
        for one in databases
        for table in (*one.tables, "transaction")
    }
    for first, second in clashes(owners):
        one, other = owners[first], owners[second]
        remedy = CHOICE_OF_ONE_TABLE
        if one is not other:
            remedy = f"Give one of the sources another name, or capture {_table(second)} elsewhere."
        yield (
            other.key,
            f"{_table(first)} and {_table(second)} can't be captured together: Kafka does not tell"
            f" apart the topics {first} and {second}, which differ only in dots and underscores."
            f" {remedy}",
        )


def _table(topic: str) -> str:
    """Return schema.table of a topic; the transactions' topic has no schema."""
    return topic.partition(".")[2]


def _shared(databases: Sequence[CapturedDatabase]) -> Contradictions:
    """Yield what two sources would share in one server, which is named alike in both."""
    slots = _slots_of_the_managed(databases)
    publications: dict[tuple[object, ...], str] = {}
    passwords: dict[tuple[object, ...], tuple[str, str]] = {}
    for name, source in _existing(databases):
        server = (source.host.lower(), source.port)
        slot, publication = source.slot_name(name), source.publication_name(name)
        other = slots.setdefault(slot, name)
        if other != name:
            yield (
                f"sources.{name}.slot",
                f"{slot} is also the slot of {other}: a slot has one reader, and the metrics know"
                " sources by their slots; give each its own",
            )
        other = publications.setdefault((*server, source.database, publication), name)
        if other != name:
            yield (
                f"sources.{name}.publication",
                f"{publication} is also the publication of sources.{other}, in the same database"
                f" ({source.database}); give each its own",
            )
        password = source.password.get_secret_value()
        other, theirs = passwords.setdefault((*server, source.user), (name, password))
        if theirs != password:
            yield (
                f"sources.{name}.password",
                f"is not that of sources.{other}, which has the same user {source.user} on the same"
                f" server ({source.host}:{source.port}); give sources.{name}.user another account",
            )


def _slots_of_the_managed(databases: Sequence[CapturedDatabase]) -> dict[str, str]:
    """Return the names of the managed database's slots, each with the database's name."""
    return {
        one.settings.slot_of(table): one.name
        for one in databases
        if one.managed
        for table in one.tables
    }


def _existing(databases: Sequence[CapturedDatabase]) -> Iterator[tuple[str, ExistingSource]]:
    return ((one.name, one.existing) for one in databases if one.existing)


def _catalogs(databases: Sequence[CapturedDatabase], *, views: bool) -> Contradictions:
    suffix = VIEWS_SUFFIX if views else ""
    names: dict[str, str] = {}
    for one in databases:
        surplus = len(one.catalog_database) + len(suffix) - LONGEST_DATABASE
        if surplus > 0:
            yield (
                "archive.catalogDatabase",
                f"is too long: {one.catalog_database}{suffix} has more than {LONGEST_DATABASE}"
                f" characters; set a name that is at least {surplus} shorter",
            )
        for database in dict.fromkeys((one.catalog_database, f"{one.catalog_database}{suffix}")):
            other = names.setdefault(database, one.name)
            if other != one.name:
                yield (
                    f"sources.{one.name}",
                    f"its Glue database {database} is also one of {other}'s, by the names of its"
                    f" views (<database>{VIEWS_SUFFIX}); give the source another name",
                )
