"""What a reading of the archive shows of the changes that a load has committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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

    def __init__(self, pipeline: Pipeline, tables: Iterable[CapturedTable], writer: Writer) -> None:
        self._pipeline, self._writer = pipeline, writer
        self._tables = tuple(tables)
        self._reader = ArchiveReader(pipeline.archive, self._tables, writer, ignore_snapshots=True)

    def __enter__(self) -> "Observer":
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.__exit__()

    def holds(self, until: float) -> bool:
        """Return whether the archive has what was committed until then (time.time())."""
        return self._reader.is_complete(until)

    def observe(self, keeps_history: bool, complete_from: int) -> Observation:
        """Compare everything after the load's end.

        Without history, the rows' state is compared with the archive from a WAL position on.
        """
        reader = self._reader
        reader.read()
        since = 0 if keeps_history else complete_from
        return Observation(
            committed=reader.committed,
            missing=reader.missing,
            duplicated=sum(table.duplicated for table in reader.tables),
            altered=sum(table.altered for table in reader.tables),
            differing=len(reader.row_differences(self._pipeline.database, since)),
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
