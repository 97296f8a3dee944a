"""What a preview says of an archive's maintenance."""

from collections.abc import Iterator

from components.config import StackConfig
from components.sizing import Resources

UNMAINTAINED = (
    "archive.maintenance.kind: none leaves the Iceberg tables without maintenance: this stack does"
    " not expire snapshots, merge small files or delete old metadata. The metadata of every table"
    " grows with each commit until the worker fails for lack of memory (docs/OPERATIONS.md). Set"
    " job or glue, or maintain the tables yourself"
)


def maintenance_warnings(config: StackConfig) -> Iterator[str]:
    """Yield what lets the archive grow without end in this stack, and the keys that change it."""
    if config.archive.sink != "iceberg":
        return
    match config.archive.maintenance_kind:
        case "none":
            yield UNMAINTAINED
        case "glue":
            find_table = config.table_finder()
            listed = {
                (database.name, table)
                for database, table in filter(
                    None, map(find_table, config.archive.maintenance.glue_tables)
                )
            }
            if missing := [
                database.entry(table)
                for database in config.databases
                for table in database.tables
                if (database.name, table) not in listed
            ]:
                yield (
                    f"{', '.join(missing)} has no table optimizer, so nobody maintains its archive:"
                    " add it to archive.maintenance.glueTables once the sink has created its table"
                )
        case "job":
            yield from _shortages(config)


def _shortages(config: StackConfig) -> Iterator[str]:
    """Yield that the pods and the maintenance's together exceed the budget."""
    sizing = config.sizing
    pods: list[tuple[Resources, int]] = [
        (sizing.postgresql, int(config.managed is not None)),
        (sizing.broker, config.kafka.brokers),
        (sizing.connect, config.connect.workers),
        (sizing.registry, int(config.needs_registry)),
        (sizing.maintenance, 1),
    ]
    memory = sum(each.memory_limit * count for each, count in pods)
    cpu = sum(each.cpu_limit * count for each, count in pods)
    for name, unit, used, allowed, own in (
        ("memory", "Mi", memory, config.budget.memory, sizing.maintenance.memory_limit),
        ("cpu", "m", cpu, config.budget.cpu, sizing.maintenance.cpu_limit),
    ):
        if used > allowed:
            yield (
                f"the pods' {name} limits add up to {used}{unit} with the {own}{unit} of"
                f" sizing.maintenance.{name}Limit, but budget.{name} is {allowed}{unit}: raise"
                f" budget.{name} by {used - allowed}{unit}, lower a sizing.*.{name}Limit, or set"
                " archive.maintenance.kind to glue or none"
            )
