"""Registers a schema that Schema Registry refuses: of a column whose type has changed."""

from collections.abc import Callable

from clients.cluster import Cluster
from clients.connect import Log, connect_client, connectors
from clients.registry import Registry, open_registry
from clients.stack import StackError, StackOutputs
from polling import poll_until

# The source's next attempt registers the schema.
TIMEOUT_SECONDS = 120
POLL_SECONDS = 2
# These compare with every earlier version, so each later schema would be refused again.
TRANSITIVE = "_TRANSITIVE"


def recover_schema(outputs: StackOutputs, subject: str, log: Log) -> None:
    """Let the registry accept the subject's next schema, whatever it is, and no further one.

    Raises StackError if no new schema is registered in time; the compatibility is restored then,
    too.
    """
    cluster = Cluster(outputs)
    client = connect_client(outputs)

    def restart() -> None:
        for connector in connectors(cluster, outputs.connect):
            if connector.kind == "source" and not connector.runs:
                log(f"restarting {connector.name}")
                client.restart_failed(connector.name)

    accept_next(open_registry(cluster), subject, restart, log)


def accept_next(registry: Registry, subject: str, restart: Callable[[], None], log: Log) -> None:
    """Set the subject's compatibility to NONE until it has a new version.

    Raises StackError if it gets none in time, or its compatibility compares all versions.
    """
    before = registry.compatibility(subject)
    level = before or registry.default_compatibility()
    if level.endswith(TRANSITIVE):
        raise StackError(
            f"the compatibility of {subject} is {level}, which compares a schema with all earlier"
            " ones: every later change would be refused, too. Set datapipe:registry.compatibility"
            f" to {level.removesuffix(TRANSITIVE)} and run make up first"
        )
    versions = registry.versions(subject)
    log(f"setting the compatibility of {subject} to NONE for one schema (it is {level})")
    registry.set_compatibility(subject, "NONE")
    try:
        restart()
        poll_until(
            lambda: registry.versions(subject) != versions,
            timeout=TIMEOUT_SECONDS,
            interval=POLL_SECONDS,
            description=f"a new version of {subject}",
        )
    except TimeoutError:
        raise StackError(
            f"no new schema of {subject} was registered within {TIMEOUT_SECONDS} s; make status"
            " shows whether one is refused, and of which subject"
        ) from None
    finally:
        registry.set_compatibility(subject, before)
        log(f"the compatibility of {subject} is {level} again")
