"""The comparison as a witness of what other programs claim about the archive."""

from collections.abc import Collection
from dataclasses import replace

from verification.compare import compare_all
from verification.options import Options, Sample
from verification.pipeline import Pipeline
from verification.result import Difference, TableResult

# Of larger tables a sample is compared, so that a run does not become longer.
ROWS = 100_000
# The caller has waited for the archive already.
WAIT_SECONDS = 90.0


def compare_changed_rows(
    pipeline: Pipeline, tables: Collection[str], from_lsn: int
) -> list[TableResult]:
    """Compare the rows with an archived change from a WAL position on, of large tables a sample."""
    options = Options(
        sample=Sample(share=None, rows=ROWS),
        from_lsn=from_lsn,
        only_changed=True,
        wait_seconds=WAIT_SECONDS,
    )
    results = compare_all(pipeline, tables, options, lambda _: None)
    return [replace(result, notes=()) for result in results]


def complaints(results: Collection[TableResult]) -> list[str]:
    """Return a sentence for each table that differs or could not be compared completely."""
    return [
        f"verify: {result.table}: {_verdict(result)}"
        for result in results
        if result.differs or not result.is_compared
    ]


def _verdict(result: TableResult) -> str:
    if result.error is not None:
        return f"not compared: {result.error}"
    counts = (
        f"{result.missing} rows missing, {result.extra} extra, {result.different} different,"
        f" {result.unsettled} unsettled"
    )
    examples = "; ".join(map(_example, result.examples[:1]))
    return f"{counts} ({examples})" if examples else counts


def _example(example: Difference) -> str:
    names = ", ".join(column.name for column in example.columns)
    return f"{example.kind} {example.key}" + (f": {names}" if names else "")
