"""The rows of a key leave an Iceberg table, its history and each file; nothing else changes."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import MANIFEST_ENTRY_SCHEMAS, DataFile, ManifestEntry

from tests.java_programs import JavaProgram, java_program

pytestmark = [pytest.mark.jdk, pytest.mark.images]

ADA, BOB = "Ada-Lovelace-of-Ockham", "Bob-Byron-of-London"
KEY = '{"id": 1000}'


class Scenarios:
    """A table in a folder, the sink that writes it, and the erasure."""

    def __init__(self, program: JavaProgram, folder: Path) -> None:
        self._program, self.folder = program, folder
        self.ask(f"open {folder} 1")

    def answer(self, line: str) -> str:
        return self._program.ask(line)

    def ask(self, *lines: str) -> str:
        """Give commands; return the last answer."""
        for line in lines:
            answer = self.answer(line)
            assert not answer.startswith("failed:"), answer
        return answer

    def erase(self, key: str = KEY, *, wait: int = 0, dry: bool = False) -> tuple[bool, list[str]]:
        """Return whether the rows are gone, and what was printed."""
        answer, *lines = self.ask(f"erase {wait} {'dry' if dry else 'now'} {key}").split(" | ")
        return answer == "true", lines

    def audits(self) -> list[dict[str, Any]]:
        """Return the audits in the archive."""
        return [json.loads(each.read_text()) for each in self.folder.glob("erasures/*.json")]

    def places_of(self, text: str, key: int) -> list[str]:
        """Return the objects that have a text or a row of the key, by other libraries' reading."""
        return [
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and _has(path, text.encode(), key)
        ]


def _has(path: Path, text: bytes, key: int) -> bool:
    if path.suffix == ".parquet":
        rows = pq.read_table(path, columns=["id", "name"])
        file = pq.ParquetFile(path)
        columns = file.metadata.num_columns
        bounds = [
            statistics.max
            for group in range(file.metadata.num_row_groups)
            for column in range(columns)
            if (statistics := file.metadata.row_group(group).column(column).statistics)
            and statistics.has_min_max
        ]
        named = text.decode()
        return key in rows["id"].to_pylist() or named in rows["name"].to_pylist() or named in bounds
    if path.suffix == ".avro":
        return not path.name.startswith("snap-") and any(
            text[:16] in bound
            for entry in _entries(path)
            for bounds in (entry.data_file.lower_bounds, entry.data_file.upper_bounds)
            for bound in (bounds or {}).values()
        )
    content = path.read_bytes()
    return text in (
        gzip.decompress(content) if path.name.endswith(".gz.metadata.json") else content
    )


def _entries(path: Path) -> list[ManifestEntry]:
    with AvroFile[ManifestEntry](
        PyArrowFileIO().new_input(str(path)),
        MANIFEST_ENTRY_SCHEMAS[2],
        read_types={-1: ManifestEntry, 2: DataFile},
    ) as entries:
        return list(entries)


@pytest.fixture(scope="module")
def program(classpath: str) -> Iterator[JavaProgram]:
    name = "datapipe.maintenance.ErasureScenarios"
    with java_program(classpath, name, "-Xmx256m") as running:
        yield running


@pytest.fixture
def scenarios(program: JavaProgram, tmp_path: Path) -> Scenarios:
    """A table with two persons: an hour that is compacted, and a later one."""
    found = Scenarios(program, tmp_path)
    for number, operation in enumerate(("c", "u"), start=1):
        found.ask(
            "others 5 3",
            f"person 1000 {ADA} {operation} {900 + number} 3",
            f"person 1001 {BOB} {operation} {910 + number} 3",
            "commit",
        )
    found.ask("maintain", "others 5 0", f"person 1000 {ADA} d 920 0", "commit")
    return found


def test_rows_leave_the_table_its_history_and_every_object(scenarios: Scenarios) -> None:
    """As pyarrow and pyiceberg read the objects: rows, statistics, manifests' bounds, bytes."""
    places = scenarios.places_of(ADA, 1000)
    assert {Path(place).suffix for place in places} == {".parquet", ".avro"}
    is_done, lines = scenarios.erase()
    assert is_done, lines
    assert scenarios.places_of(ADA, 1000) == []
    assert scenarios.places_of(BOB, 1001) != []
    assert scenarios.ask("state") == "snapshots=1 others=true"
    assert scenarios.ask("maintain", "state") == "snapshots=1 others=true"


def test_an_audit_says_what_was_done_and_not_the_key(scenarios: Scenarios) -> None:
    _, lines = scenarios.erase()
    (audit,) = scenarios.audits()
    assert json.loads(lines[-1]) == audit
    expected = {"outcome": "done", "erasedRows": 3, "rowsInFiles": 5, "remainingRows": 0}
    assert audit == {**audit, **expected, "table": "cdc.t", "committedFiles": []}
    assert len(audit["keySha256"]) == 64
    assert "1000" not in json.dumps({**audit, "keySha256": "", "began": "", "at": ""})


def test_a_dry_run_changes_nothing(scenarios: Scenarios) -> None:
    def files() -> set[Path]:
        return {path for path in scenarios.folder.rglob("*") if path.is_file()}

    before = files()
    is_done, lines = scenarios.erase(dry=True)
    assert is_done
    assert "4 of 9 data files have 5 rows of the key" in lines[0]
    assert json.loads(lines[-1])["outcome"] == "dry run"
    assert files() == before


def test_a_key_that_nobody_has_changes_nothing(scenarios: Scenarios) -> None:
    is_done, lines = scenarios.erase('{"id": 4711}')
    assert is_done
    assert "no row has the key, so nothing was changed" in lines[1]
    assert scenarios.ask("state").startswith("snapshots=4 ")
    assert scenarios.audits() == []


def test_a_key_that_an_update_has_changed_is_named(scenarios: Scenarios) -> None:
    scenarios.ask(f"person 1002 {ADA} c 920 0", "commit")
    _, lines = scenarios.erase(dry=True)
    assert "an update changed the key from or to {id=1002}" in lines[1]


def test_a_file_that_the_sink_has_not_committed_is_waited_for(scenarios: Scenarios) -> None:
    scenarios.ask(f"person 1000 {ADA} u 930 0", "others 3 0")
    is_done, lines = scenarios.erase()
    assert not is_done
    assert "can still be committed" in lines[-2]
    audit = json.loads(lines[-1])
    assert (audit["outcome"], audit["remainingRows"]) == ("incomplete", 1)
    scenarios.ask("commit")
    is_done, lines = scenarios.erase()
    assert is_done, lines
    assert scenarios.places_of(ADA, 1000) == []
    assert scenarios.ask("state") == "snapshots=1 others=true"
    assert [each["outcome"] for each in scenarios.audits()] == ["done"]


def test_a_tag_that_keeps_old_files_is_refused(scenarios: Scenarios) -> None:
    scenarios.ask("tag")
    answer = scenarios.answer(f"erase 0 now {KEY}")
    assert "has the branches or tags [kept], which keep old files; drop them" in answer


def test_a_column_that_the_table_lacks_is_refused(scenarios: Scenarios) -> None:
    answer = scenarios.answer('erase 0 now {"identity": 1000}')
    assert "--key: the table has no column identity" in answer


@pytest.mark.parametrize(
    "key", [f'{{"id": 1000, "name": "{ADA}"}}', f'{{"name": "{ADA}"}}', '{"id": "1000"}']
)
def test_keys_of_text_and_of_several_columns(scenarios: Scenarios, key: str) -> None:
    is_done, lines = scenarios.erase(key)
    assert is_done, lines
    assert scenarios.places_of(ADA, 1000) == []


@pytest.mark.parametrize(("event", "every"), [("kill", 30), ("sink", 60)])
def test_nothing_is_lost_whatever_happens(
    scenarios: Scenarios, tmp_path: Path, event: str, every: int
) -> None:
    """A kill, after which it is run again; a commit of the sink that has a row of the key."""
    operations, _, failures = scenarios.ask(f"sweep {event} {every} {tmp_path}").partition(" | ")
    assert int(operations.split()[0]) > 2 * every
    assert failures == ""


WRITES = st.lists(
    st.one_of(
        st.builds("others {} {}".format, st.integers(1, 4), st.integers(0, 3)),
        st.builds(
            "person {} {} {} {} {}".format,
            st.sampled_from([1000, 1000, 1001]),
            st.sampled_from([ADA, BOB]),
            st.sampled_from("cud"),
            st.integers(2000, 3000),
            st.integers(0, 3),
        ),
        st.sampled_from(["commit", "commit", "maintain"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(writes=WRITES)
def test_whatever_the_layout_of_the_files(
    program: JavaProgram, tmp_path_factory: pytest.TempPathFactory, writes: list[str]
) -> None:
    table = Scenarios(program, tmp_path_factory.mktemp("layout"))
    table.ask("others 2 1", "commit", *writes, "commit")
    is_done, lines = table.erase()
    assert is_done, lines
    assert table.ask("state").endswith(" others=true")
    rows = [pq.read_table(path)["id"] for path in table.folder.rglob("*.parquet")]
    assert rows
    assert all(1000 not in ids.to_pylist() for ids in rows)
