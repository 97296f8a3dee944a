"""What a reading of the archive shows of the changes that a load has committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chaos.bulk_archive import BulkArchive
from chaos.pipeline import Pipeline
from verification.commands import pipeline_of
from verification.witness import compare_changed_rows, complaints
from workload.archive import ArchiveReader
from workload.changes import CapturedTable
from workload.writer import Writer


@dataclass(frozen=True)
class Observation:
    """A reading of the archive, in changed rows."""

    committed: int = 0
    missing: int = 0
    duplicated: int = 0
    altered: int = 0
    differing: int = 0
    """rows of the load whose last archived change is not what the database has"""


class Observer:
    """Compares a load with the archive. A context manager: its end frees the memory."""

    def __init__(
        self,
        pipeline: Pipeline,
        tables: Iterable[CapturedTable],
        writer: Writer,
        bulk: BulkArchive | None = None,
    ) -> None:
        """`bulk` has the rows of the bulk load, if there is one."""
        self._pipeline, self._writer, self._bulk = pipeline, writer, bulk
        self._tables = tuple(tables)
        archive = bulk or pipeline.archive
        self._reader = ArchiveReader(archive, self._tables, writer, ignore_snapshots=True)
        self.outstanding = 0
        """rows that the last look did not find"""

    def __enter__(self) -> "Observer":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()
        if self._bulk is not None:
            self._bulk.__exit__()

    def holds(self, until: float) -> bool:
        """Return whether the archive has what was committed until then (time.time())."""
        self._reader.read(until)
        self.outstanding = self._reader.missing
        if self._bulk is not None:
            self.outstanding += self._bulk.outstanding(until)
            if not self.outstanding:  # as many rows have arrived; whether the right ones is slow
                self.outstanding = sum(table.missing for table in self._bulk.tables(until))
        return not self.outstanding

    def observe(self, keeps_history: bool, complete_from: int) -> Observation:
        """Compare everything after the load's end.

        Without history, the rows' state is compared with the archive from a WAL position on.
        """
        self._reader.read()
        since = 0 if keeps_history else complete_from
        differing = len(self._reader.row_differences(self._pipeline.answering_database, since))
        tables = [*self._reader.tables]
        if self._bulk is not None:
            tables += self._bulk.tables()
            differing += self._bulk.differing(since)
        missing = sum(table.missing for table in tables)
        self.outstanding = missing if keeps_history else differing
        return Observation(
            committed=sum(table.committed for table in tables),
            missing=missing,
            duplicated=sum(table.duplicated for table in tables),
            altered=sum(table.altered for table in tables),
            differing=differing,
        )

    def verified(self, ignored: Mapping[str, str], complete_from: int) -> list[str]:
        """Compare the rows that were changed since the load began as `make verify` does.

        `ignored` is a column by table. Return what differs.
        """
        outputs = self._pipeline.outputs
        excluded = dict(outputs.excluded_columns)
        for table, column in ignored.items():
            excluded[table] = (*excluded.get(table, ()), column)
        pipeline = pipeline_of(outputs.model_copy(update={"excluded_columns": excluded}))
        tables = [table.name for table in self._tables]
        from_lsn = max(self._writer.first_lsn, complete_from)
        return complaints(compare_changed_rows(pipeline, tables, from_lsn))
