"""The benchmark of the archive's age, with tens of commits, and its text."""

from pathlib import Path

import pytest

from bench.archive_age import Age, ArchiveAge, Life, text
from bench.archive_growth import Ageing, Plan
from bench.result import Machine

# Of the commits of an unmaintained table, 10 and the last 5 are made one by one.
PLAN = Plan(
    checkpoints=(60,), interval_ms=600_000, maintain_every=10, real_commits=10, timed_commits=5
)


@pytest.mark.jdk
@pytest.mark.images
def test_maintenance_bounds_the_metadata_and_the_files(tmp_path: Path) -> None:
    """The clock is simulated: 60 commits are ten hours, of which nine are closed."""
    (tmp_path / "off").mkdir()
    (tmp_path / "on").mkdir()
    (off,) = Ageing(tmp_path / "off", PLAN, print).ages(maintained=False)
    (on,) = Ageing(tmp_path / "on", PLAN, print).ages(maintained=True)
    assert (off.rows, off.distinct) == (on.rows, on.distinct) == (1200, 1200)
    assert (off.snapshots, off.files, off.bulk_commits) == (60, 60, 44)
    assert (on.bulk_commits, on.maintenance_runs) == (0, 6)
    assert on.files < 20
    assert on.metadata_bytes < off.metadata_bytes / 3
    assert on.bytes < off.bytes
    assert off.heap_used <= off.heap_needed


def age(commits: int, **changed: int) -> Age:
    requests = {"commit_requests", "plan_requests", "maintenance_requests"}
    values = {name: {"put": 1.0} if name in requests else 1 for name in Age.model_fields}
    return Age(
        **{**values, "commits": commits, "rows": 20 * commits, "distinct": 20 * commits} | changed
    )


def life(*ages: Age) -> Life:
    machine = Machine(processor="p", cores=2, memory=1, system="s", kernel="k", load_before=0.5)
    return Life(
        at="2026-01-02T00:00:00Z",
        revision="r",
        machine=machine,
        minutes=1,
        interval_seconds=60,
        rows=20,
        keys=5,
        maintain_every=60,
        ages=ages,
    )


def test_the_page_has_both_lives_side_by_side() -> None:
    result = ArchiveAge(
        tables=4, unmaintained=life(age(1440), age(43200)), maintained=life(age(1440))
    )
    lines = text(result).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:5]] == [
        ["| 1,440", "off"],
        ["| 1,440", "on"],
        ["| 43,200", "off"],
    ]
    assert "43,200 commits are 30 days" in text(result)
    assert result.faults == []


def test_missing_and_repeated_changes_are_faults() -> None:
    result = ArchiveAge(tables=4, maintained=life(age(10, rows=205, distinct=190)))
    (fault,) = result.faults
    assert fault == "after 10 commits, 10 changes are missing and 15 repeated"
    assert fault in text(result)
