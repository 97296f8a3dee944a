"""What `python -m bench.growth` arranges on the stack: copies of the sample schema, and loads."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bench import sample_schema
from bench.costs import DEFAULT_COMMIT_MS, DEFAULT_PARTITIONS, TABLES_SERIES
from bench.iceberg_files import IcebergFiles
from bench.row_values import PARENTS, TABLES
from clients import database
from clients.stack import PROJECT, StackOutputs, read_managed
from clients.update import changed_stack_file, remove_tables, update
from workload.progress import Log

NARROW = 40


@dataclass(frozen=True)
class Trial:
    """One load."""

    rate: float
    """rows per second"""
    schemas: tuple[str, ...] = ("public",)
    width: int = NARROW
    """characters of the text columns"""
    parent_rows: int = PARENTS
    """of each table that other rows refer to; they are written before the load begins"""

    @property
    def tables(self) -> int:
        """How many tables it changes."""
        return len(self.schemas) * len(TABLES)


@dataclass(frozen=True)
class Arrangement:
    """What the stack captures, and the loads that are put on it."""

    name: str
    series: str
    """its lines are compared with those of the other arrangements of the series"""
    copies: Mapping[str, int]
    """of the sample schema, by name: the partitions of their topics"""
    trials: tuple[Trial, ...]
    commit_ms: int | None = None
    """between two commits of the archive; None: the stack's own"""

    def kind(self, trial: Trial) -> tuple[str, int, int, int]:
        """Return the kind of the point that a trial gives (costs.py)."""
        return self.series, trial.tables, self.partitions(trial), trial.width

    def partitions(self, trial: Trial) -> int:
        """Return how many partitions the topic of each changed table has."""
        return self.copies.get(trial.schemas[-1], DEFAULT_PARTITIONS)

    def commit_seconds(self, stack: str) -> float:
        """Return the seconds between two commits of the archive."""
        if self.commit_ms is not None:
            return self.commit_ms / 1000
        document = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())
        archive = document["config"].get("datapipe:archive", {})
        return float(archive.get("rotateIntervalMs", DEFAULT_COMMIT_MS)) / 1000

    def settings(self, own_tables: tuple[str, ...], leaving: list[str]) -> dict[str, Any]:
        """Return the settings of the stack file; `leaving` are tables of the one before."""
        archive = {"rotateIntervalMs": self.commit_ms} if self.commit_ms else {}
        return {
            "datapipe:tables": [*own_tables, *self.overrides],
            "datapipe:topics": {
                "overrides": self.overrides,
                **({"delete": leaving} if leaving else {}),
            },
            **({"datapipe:archive": archive} if archive else {}),
        }

    @property
    def overrides(self) -> dict[str, dict[str, int]]:
        """The added tables, as schema.table, and their topics' settings."""
        return {
            f"{schema}.{table}": {"partitions": partitions}
            for schema, partitions in self.copies.items()
            for table in TABLES
        }


# All arrangements of tables and partitions hold it on the sandbox's two cores.
RATE = 2000
# Of the schemas that are added; a run that was killed leaves them in the stack.
ADDED_PREFIX = "growth_"
# A schema of one arrangement is one of the next, so that an update only adds tables.
TABLES_PREFIX = f"{ADDED_PREFIX}tables"
# 400 tables with the usual 500 would begin with 150,000 of them.
FEW_PARENTS = 10


def _of_partitions(partitions: int) -> Arrangement:
    """Return four tables of so many partitions each, which are captured without others' load."""
    name = f"{ADDED_PREFIX}p{partitions}"
    trial = Trial(RATE, schemas=(name,), parent_rows=FEW_PARENTS)
    return Arrangement(f"partitions-{partitions}", "partitions", {name: partitions}, (trial,))


def _of_tables(tables: int) -> Arrangement:
    """Return so many tables of one partition each.

    With the default of six partitions, 400 would be 7,200 replicas on three brokers of 682 MiB. At
    the sandbox's interval of 10 s moto can't complete the commits of 400 tables.
    """
    schemas = tuple(f"{TABLES_PREFIX}_{number}" for number in range(1, tables // len(TABLES) + 1))
    return Arrangement(
        f"tables-{tables}",
        TABLES_SERIES,
        dict.fromkeys(schemas, 1),
        (Trial(RATE, schemas=schemas, parent_rows=FEW_PARENTS),),
        commit_ms=DEFAULT_COMMIT_MS,
    )


ARRANGEMENTS = (
    Arrangement(
        "width", "width", {}, (Trial(4000), Trial(1000, width=2_000), Trial(150, width=20_000))
    ),
    *map(_of_partitions, (1, 6, 24)),
    *map(_of_tables, (4, 40, 100, 400)),
)


class Arranger:
    """Adds an arrangement's tables to the stack in place of those of the one before.

    A context manager: the end of the block removes what was added, unless it is to be kept. That
    includes what an earlier run has left.
    """

    def __init__(self, stack: str, outputs: StackOutputs, log: Log, *, keep: bool = False) -> None:
        self._stack, self._outputs, self._log, self._keep = stack, outputs, log, keep
        self._own = tuple(table for table in outputs.tables if not table.startswith(ADDED_PREFIX))
        self._present = _added_schemas(outputs)
        if self._present:
            self._log(f"an earlier run has left {len(self._present)} schemas in the stack")

    def __enter__(self) -> "Arranger":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._keep:
            self._remove_all()

    def arrange(self, arrangement: Arrangement) -> StackOutputs:
        """Return the outputs of the stack with the arrangement's tables.

        Raises StackError if the update fails; the end of the block removes the tables then, too.
        """
        if not arrangement.copies:
            self._remove_all()
            return read_managed(self._stack)
        leaving = self._present - arrangement.copies.keys()
        with database.connect(self._outputs) as connection:
            for name in arrangement.copies.keys() - self._present:
                sample_schema.create(connection, name)
        self._present |= arrangement.copies.keys()
        settings = arrangement.settings(self._own, _tables(leaving))
        with changed_stack_file(self._stack, settings) as file:
            self._log(f"pulumi up arranges {len(arrangement.overrides)} tables")
            began = time.monotonic()
            update(self._stack, file)
            self._log(f"pulumi up took {time.monotonic() - began:.0f} s")
        self._forget(leaving)
        return read_managed(self._stack)

    def _remove_all(self) -> None:
        if not self._present:
            return
        self._log("pulumi up removes the added tables")
        remove_tables(self._stack, _tables(self._present))
        self._forget(self._present)

    def _forget(self, schemas: Collection[str]) -> None:
        """Drop schemas that the stack no longer captures, and the archive of their tables."""
        files = IcebergFiles(self._outputs)
        with database.connect(self._outputs) as connection:
            for name in schemas:
                sample_schema.drop(connection, name)
        for table in _tables(schemas):
            files.purge(table)
        self._present = self._present.difference(schemas)


def _added_schemas(outputs: StackOutputs) -> frozenset[str]:
    """Return the added schemas that the stack captures; an update that failed reports none."""
    schemas = {table.partition(".")[0] for table in outputs.tables}
    return frozenset(schema for schema in schemas if schema.startswith(ADDED_PREFIX))


def _tables(schemas: Collection[str]) -> list[str]:
    return [f"{schema}.{table}" for schema in sorted(schemas) for table in TABLES]
