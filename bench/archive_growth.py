"""Ages an Iceberg table by a month in an hour, without maintenance and with it.

`python -m bench.archive_growth` needs no stack: a program that uses Iceberg's own library
(java/aging) makes the sink's commits on a disk in place of S3, on a simulated clock, and runs the
maintenance program (java/maintenance) as often as the deployed schedule does. It writes
docs/bench/archive.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench import machine
from bench.archive_age import OUTPUT, Age, ArchiveAge, Life, text
from clients.console import console
from clients.ending import run_and_exit
from clients.stack import PROJECT, StackError
from components.config.maintenance import MaintenanceSettings
from components.streaming.connectors.converters import BytesConverter
from components.streaming.connectors.iceberg import IcebergSinkConnector
from components.streaming.maintenance.configuration import maintenance_properties
from components.streaming.sinks.iceberg import PLACE_PREFIX
from components.streaming.sinks.protocol import MaintainedTables
from images import jars
from tools import paths
from workload.machine import revision
from workload.progress import Log, Progress

TABLE, WAREHOUSE = "cdc.users", "s3://bucket/topics"
LIVES = ("unmaintained", "maintained")
CHECKPOINTS = (1_440, 10_080, 43_200)
# As many as the sample schema has.
TABLES = 4
MEBIBYTE = 1024 * 1024
# Of the JVM that ages a table: a commit holds a few versions of the metadata.
AGING_HEAP = 3072 * MEBIBYTE
# The smallest heap of a worker is found to this difference.
HEAP_STEP = 16 * MEBIBYTE
LARGEST_HEAP = 4096 * MEBIBYTE
PRESENT_STATE = """
SELECT count(*) FILTER (op <> 'd')
FROM (
    SELECT id, arg_max(__op, __source_lsn) AS op
    FROM read_parquet($files) WHERE __op <> 't' GROUP BY id
)
"""
COUNT = "SELECT count(*), count(DISTINCT __source_lsn) FROM read_parquet($files)"
# The sink with the defaults; only its tables' properties are used.
CONNECTOR = IcebergSinkConnector(
    name="sink",
    routes={"postgres.public.users": TABLE},
    warehouse=WAREHOUSE,
    key_converter=BytesConverter(),
    value_converter=BytesConverter(),
)
# Table properties of versions before 0.4.0, which bounded no metadata.
UNBOUNDED = {
    "write.metadata.compression-codec": "none",
    "write.metadata.previous-versions-max": "100",
}


@dataclass(frozen=True)
class Plan:
    """How a table ages."""

    checkpoints: tuple[int, ...] = CHECKPOINTS
    """numbers of commits"""
    interval_ms: int = 60_000
    maintain_every: int = 60
    """commits"""
    rows: int = 20
    """per commit"""
    keys: int = 5_000
    real_commits: int = 1_440
    """that are made one by one before others are added in bulk, where nothing is maintained"""
    timed_commits: int = 20
    """before each checkpoint, of which the median is taken"""

    def properties(self, *, maintained: bool) -> dict[str, str]:
        """Return the properties of the program datapipe.aging.AgeTable."""
        properties = CONNECTOR.table_properties() | ({} if maintained else UNBOUNDED)
        return {
            "table": TABLE,
            "checkpoints": ",".join(map(str, self.checkpoints)),
            "interval.ms": str(self.interval_ms),
            "maintain.every": str(self.maintain_every if maintained else 0),
            "rows": str(self.rows),
            "keys": str(self.keys),
            "commits.real": str(self.real_commits),
            "commits.timed": str(min(self.timed_commits, *self.checkpoints)),
            **{f"table.{name}": value for name, value in properties.items()},
        }


class Ageing:
    """The programs that age a table, in a folder of their own."""

    def __init__(self, folder: Path, plan: Plan, log: Log) -> None:
        """Compile the programs. Raises StackError if the compiler or jars are missing."""
        self._folder, self._plan, self._log = folder, plan, log
        libraries, classes = folder / "jars", folder / "aging.jar"
        copy_jars(libraries)
        build: list[str | Path] = [PROJECT / "java/build.sh", "aging", libraries, classes]
        done = subprocess.run(build, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"java/aging can't be compiled: {done.stderr}")
        # Parquet's writers read Hadoop's defaults for each file, which takes longer than the file.
        (folder / "core-default.xml").write_text("<configuration/>")
        self._classpath = f"{folder}:{classes}:{libraries}/*"

    def ages(self, *, maintained: bool) -> Iterator[Age]:
        """Age a table; yield what it is at each checkpoint. Raises StackError if that fails."""
        settings = self._folder / "aging.properties"
        maintenance = self._folder / "maintenance.properties"
        store, log_file = self._folder / "s3", self._folder / "log"
        write_properties(maintenance, deployed_maintenance(store))
        write_properties(
            settings,
            {
                **self._plan.properties(maintained=maintained),
                **{f"catalog.{name}": value for name, value in catalog_properties(store).items()},
                "maintenance": str(maintenance),
            },
        )
        command = [*self._java(AGING_HEAP, "Launcher"), "datapipe.aging.AgeTable", settings]
        with (
            log_file.open("w") as errors,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            if process.stdin is None or process.stdout is None:
                raise StackError("the program that ages a table has no pipes")
            for line in process.stdout:
                yield self._measured(json.loads(line))
                process.stdin.write("\n")
                process.stdin.flush()
        if process.returncode != 0:
            raise StackError(f"a table can't be aged: {log_file.read_text()[-3000:]}")

    def _java(self, heap: int, program: str) -> list[str | Path]:
        # As the worker's, it ends at the first allocation that fails.
        options = [f"-Xmx{heap // MEBIBYTE}m", "-XX:+ExitOnOutOfMemoryError"]
        return ["java", *options, "-cp", self._classpath, f"datapipe.aging.{program}"]

    def _measured(self, found: dict[str, Any]) -> Age:
        """Return what the program printed, with what is measured outside it."""
        self._log(f"{found['commits']:,} commits made; measuring heap and query")
        metadata = Path(found.pop("metadataFile"))
        planned = Path(found.pop("plannedFiles")).read_text().splitlines()
        used = self._heap_used(metadata, LARGEST_HEAP)
        if used is None:
            raise StackError(f"{LARGEST_HEAP} bytes of heap do not suffice to read {metadata}")
        with duckdb.connect() as memory:
            began = time.monotonic()
            memory.execute(PRESENT_STATE, {"files": planned}).fetchall()
            query = time.monotonic() - began
            ((rows, distinct),) = memory.execute(COUNT, {"files": planned}).fetchall()
        return Age(
            **found,
            heap_used=used,
            heap_needed=self._heap_needed(metadata, used),
            query_millis=query * 1000,
            rows=rows,
            distinct=distinct,
        )

    def _heap_used(self, metadata: Path, heap: int) -> int | None:
        """Return the bytes in use after all tables' metadata is read; None if it does not fit."""
        command = [*self._java(heap, "ReadMetadata"), metadata, str(TABLES)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return int(done.stdout)
        if "OutOfMemoryError" in done.stdout + done.stderr:
            return None
        raise StackError(f"{metadata} can't be read: {done.stderr[-2000:]}")

    def _heap_needed(self, metadata: Path, used: int) -> int:
        """Return the smallest heap that suffices, as a multiple of HEAP_STEP."""
        fails, suffices = used // HEAP_STEP, LARGEST_HEAP // HEAP_STEP
        while suffices - fails > 1:
            # Closer to what fails, because the answer is usually less than three times of it.
            middle = fails + max(1, (suffices - fails) // 4)
            if self._heap_used(metadata, middle * HEAP_STEP) is None:
                fails = middle
            else:
                suffices = middle
        return suffices * HEAP_STEP


def copy_jars(folder: Path) -> None:
    """Copy the jars of the deployed sink and maintenance. Raises StackError if some are missing."""
    folder.mkdir()
    cached = {jar.name: jar for jar in paths.cache().glob("maven/**/*.jar")}
    wanted = [name for name in jars.read_checksums("iceberg-sink") if name.endswith(".jar")]
    wanted += [name for name in jars.read_checksums("kafka") if name.startswith("javassist-")]
    missing = [name for name in wanted if name not in cached]
    if missing:
        raise StackError(
            f"{', '.join(missing)} not in {paths.cache()}/maven; run"
            " bash tools/bootstrap.sh images build"
        )
    for name in wanted:
        shutil.copy(cached[name], folder)
    shutil.copy(PROJECT / "java/maintenance.jar", folder)


def catalog_properties(store: Path) -> dict[str, str]:
    """Return the properties of the catalog in a folder."""
    return {
        "catalog-impl": "datapipe.aging.FolderCatalog",
        "folder": str(store),
        "warehouse": WAREHOUSE,
    }


def deployed_maintenance(store: Path) -> dict[str, str]:
    """Return the properties of the maintenance program as a stack with the defaults has them."""
    maintained = MaintainedTables(
        plugin="",
        tables={TABLE: TABLE},
        catalog=catalog_properties(store),
        properties=CONNECTOR.table_properties(),
        prefix=WAREHOUSE,
        place_prefix=PLACE_PREFIX,
    )
    properties = maintenance_properties(MaintenanceSettings(), maintained, {TABLE: ["id"]})
    return {name: str(value) for name, value in properties.items()}


def write_properties(file: Path, properties: Mapping[str, str]) -> None:
    """Write a file of Java's properties."""
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def live(plan: Plan, log: Log, *, maintained: bool) -> Iterator[Life]:
    """Age a table; yield its life up to each checkpoint."""
    began, at, described = time.monotonic(), time.gmtime(), machine.describe()
    ages: list[Age] = []
    with tempfile.TemporaryDirectory(prefix="datapipe-aging-") as folder:
        for age in Ageing(Path(folder), plan, log).ages(maintained=maintained):
            ages.append(age)
            yield Life(
                at=time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
                revision=revision(),
                machine=described,
                minutes=round((time.monotonic() - began) / 60, 1),
                interval_seconds=plan.interval_ms / 1000,
                rows=plan.rows,
                keys=plan.keys,
                maintain_every=plan.maintain_every if maintained else 0,
                ages=tuple(ages),
            )


def main() -> int:
    """Return 0 if no change is missing or repeated, otherwise 1."""
    arguments = _arguments()
    screen, log = console(), Progress("archive").log
    plan = Plan(checkpoints=tuple(sorted(set(arguments.checkpoints))))
    output: Path = arguments.output
    result = ArchiveAge(tables=TABLES)
    if output.exists():
        result = ArchiveAge.model_validate_json(output.read_text())
    for name in arguments.only or LIVES:
        log(f"aging a table: {name}")
        try:
            for life in live(plan, log, maintained=name == "maintained"):
                result = result.model_copy(update={name: life})
                # So that what took hours is not lost with an interruption.
                output.write_text(result.model_dump_json(indent=1, by_alias=True) + "\n")
        except StackError as error:
            print(f"archive: {error}", file=sys.stderr)
            return 1
    screen.print(text(result), markup=False, soft_wrap=True)
    return 1 if result.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="datapipe bench-archive",
        epilog="Exit codes: 0 no change is missing or repeated; 1 otherwise;"
        " 2 wrong usage; 130 interrupted.",
    )
    parser.add_argument("--stack", help="not used: the benchmark needs no stack")
    parser.add_argument(
        "--checkpoints",
        type=int,
        nargs="+",
        default=CHECKPOINTS,
        metavar="COMMITS",
        help="numbers of commits at which the table is measured",
    )
    parser.add_argument(
        "--only",
        choices=LIVES,
        nargs=1,
        help="age this table only; the output keeps what it has of the other",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser.parse_args()


if __name__ == "__main__":
    run_and_exit(main)
