"""The committed jars are what their sources compile to.

tests/e2e shows what NullableColumns does, with a NULL in a column that has a default, and its
test_metrics.py that the counters count.
"""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.java_programs import printed_by
from tests.kafka_connect.artifacts import copy_artifacts

pytestmark = [pytest.mark.jdk, pytest.mark.images]

TRANSFORMS, JSON = "transforms", "json"
JAVA = Path(__file__).parents[2] / "java"
# Of the version that Kafka's JsonConverter is built with.
JACKSON = tuple(
    f"com/fasterxml/jackson/{part}/2.16.*"
    for part in (
        "core/jackson-annotations",
        "core/jackson-core",
        "core/jackson-databind",
        "module/jackson-module-afterburner",
    )
)
# The modules of java/, and the artifacts that they compile against.
JARS = {
    TRANSFORMS: (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/connect-json/3.9.*",
        "org/apache/kafka/connect-transforms/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/slf4j/slf4j-api/1.7.*",
        *JACKSON,
    ),
    JSON: (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/connect-json/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        *JACKSON,
    ),
    "registry": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/slf4j/slf4j-api/1.7.*",
    ),
    "values": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "io/debezium/debezium-connector-postgres/2.4.*",
        "org/slf4j/slf4j-api/1.7.*",
    ),
    "extensions": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/slf4j/slf4j-api/1.7.*",
        "javax/ws/rs/javax.ws.rs-api/2.*",
    ),
    "column-kinds": (
        "org/apache/kafka/connect-api/3.9.*",
        "org/apache/kafka/connect-transforms/3.9.*",
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/apache/iceberg/iceberg-api/1.12.*",
        "org/apache/iceberg/iceberg-core/1.12.*",
        "org/slf4j/slf4j-api/1.7.*",
    ),
    "maintenance": (
        "com/fasterxml/jackson/core/jackson-annotations/2.22*",
        "com/fasterxml/jackson/core/jackson-core/2.22.*",
        "com/fasterxml/jackson/core/jackson-databind/2.22.*",
        "org/apache/avro/avro/1.12.*",
        "org/apache/iceberg/iceberg-api/1.12.*",
        "org/apache/iceberg/iceberg-bundled-guava/1.12.*",
        "org/apache/iceberg/iceberg-core/1.12.*",
        "org/apache/iceberg/iceberg-data/1.12.*",
        "org/slf4j/slf4j-api/2.0.*",
    ),
    "commit-counter": (
        "org/apache/kafka/kafka-clients/3.9.*",
        "org/apache/iceberg/iceberg-api/1.12.*",
        "org/apache/iceberg/iceberg-aws/1.12.*",
        "org/apache/iceberg/iceberg-core/1.12.*",
        "org/slf4j/slf4j-api/1.7.*",
        "com/fasterxml/jackson/core/jackson-core/2.22.*",
        *(
            f"software/amazon/awssdk/{part}/2.57.*"
            for part in ("aws-core", "glue", "sdk-core", "utils")
        ),
    ),
}


def classes(jar: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("module", JARS)
def test_the_committed_jar_is_compiled_from_its_source(module: str, tmp_path: Path) -> None:
    against, fresh = tmp_path / "against", tmp_path / "fresh.jar"
    copy_artifacts(JARS[module], against)
    subprocess.run([JAVA / "build.sh", module, against, fresh], check=True)
    assert classes(JAVA / f"{module}.jar") == classes(fresh)


def run_driver(name: str, folder: Path, *artifacts: str) -> list[str]:
    """Run a Java program of this folder and return the lines that it prints."""
    _copy_jars(folder, *artifacts)
    command = ["java", "-cp", f"{folder}/*", str(Path(__file__).parent / name)]
    return printed_by(command)


def run_random(name: str, folder: Path, *artifacts: str) -> list[str]:
    """Run a Java program of this folder that uses RandomData and return the lines it prints."""
    _copy_jars(folder, *artifacts)
    here, classpath = Path(__file__).parent, f"{folder}:{folder}/*"
    sources = [here / "RandomData.java", here / f"{name}.java"]
    subprocess.run(["javac", "-d", folder, "-cp", classpath, *sources], check=True)
    command = ["java", "-cp", classpath, name]
    return printed_by(command)


def _copy_jars(folder: Path, *artifacts: str) -> None:
    copy_artifacts((*JARS[TRANSFORMS], *artifacts), folder)
    for module in (TRANSFORMS, JSON):
        shutil.copy(JAVA / f"{module}.jar", folder)


def test_a_truncate_becomes_a_row_of_nulls_with_the_schema_of_the_others(tmp_path: Path) -> None:
    debezium = "io/debezium/debezium-connector-postgres/2.4.*"
    assert run_driver("TruncatedTable.java", tmp_path / "jars", debezium) == [
        "null Struct{id=1,price=2,at=Struct{x=1.0},tags=[a],pairs={k=v},__op=c,__ts_ms=7,"
        "__source_ts_ms=6,__source_lsn=5,__deleted=false}",
        "null Struct{__op=t,__ts_ms=7,__source_ts_ms=6,__source_lsn=5,__deleted=false}",
        "one schema: true",
        "id INT32 nullable",
        "price STRING nullable",
        "stock INT32 nullable",
        "at STRUCT nullable",
        "tags ARRAY nullable",
        "pairs MAP nullable",
        "__op STRING nullable",
        "__ts_ms INT64 nullable",
        "__source_ts_ms INT64 nullable",
        "__source_lsn INT64 nullable",
        "__deleted STRING nullable",
        "heartbeat: true",
    ]


def test_avro_allows_a_column_to_become_nullable_but_not_required_again(tmp_path: Path) -> None:
    """So a topic's records need one schema in which every column is nullable (NullableColumns)."""
    avro = "org/apache/avro/avro/1.12.*"
    assert run_driver("AvroRules.java", tmp_path / "jars", avro) == [
        "required, then nullable: COMPATIBLE",
        "nullable, then required: INCOMPATIBLE",
    ]


def test_a_snapshot_begins_each_table_with_a_truncate(tmp_path: Path) -> None:
    """The two rows that are read before a table's own become the TRUNCATE, and nothing.

    The others get the given position; a change, and rows of a table without a key, keep their own.
    """
    source = "source=Struct{lsn=7,snapshot="
    row = "Struct{after=Struct{id=%d},source=Struct{lsn=%d,snapshot=%s},op=%s,ts_ms=7}"
    assert run_driver("TruncatedFirst.java", tmp_path / "jars") == [
        f"a null Struct{{{source}first}},op=t,ts_ms=7}}",
        "dropped",
        "a 1 " + row % (1, 8, "true", "r"),
        "h null Struct{op=r}",
        "a 2 " + row % (2, 8, "last_in_data_collection", "r"),
        f"b null Struct{{{source}first_in_data_collection}},op=t,ts_ms=7}}",
        "dropped",
        "a 3 " + row % (3, 10, "false", "c"),
        "n null Struct{source=Struct{lsn=9,snapshot=first_in_data_collection},op=t,ts_ms=7}",
        "dropped",
        "n null " + row % (1, 10, "last", "r"),
    ]


def test_a_position_is_shifted_once_although_connect_transforms_a_record_again(
    tmp_path: Path,
) -> None:
    shifted = f"Struct{{source=Struct{{lsn={2**32 + 10}}},op=c}}"
    assert run_driver("ShiftedPositions.java", tmp_path / "jars") == [
        shifted,
        shifted,
        "Struct{ts_ms=7}",
        "null",
    ]


def test_a_row_is_refused_by_its_exact_size_whatever_its_characters(tmp_path: Path) -> None:
    """The size in JSON is what Kafka's producer computes; that in Avro is a bound close above it.

    A refused row that is listed passes without as few values as needed, the largest first.
    """
    lines = run_driver("LargeRows.java", tmp_path / "jars")
    judged, passed = lines[:15], lines[15:]
    assert [line.partition(": ")[2] for line in judged] == ["refused below, passed above"] * 15

    def refusal(key: str, size: str, columns: str, row: str) -> str:
        return (
            f"The row of public.t {key} (__op c, __source_lsn 9) takes {size} bytes as a record,"
            f" above the limit of 1500 (kafka.maxRowSize); its largest columns: {columns}. Either"
            " raise kafka.maxRowSize in the stack file and run make up, or archive the row without"
            f" these values: make recover ROW={row}"
        )

    keyed, keyless = "public.t/a3c90e3b7448d23d", "public.t/7b0e677380142150"
    kept = "n=-1.7976931348623157E308,__op=c,__source_lsn=9,__lost="
    assert passed == [
        refusal('with the key {"id":7}', "4487", "body 3057, photo 856, n 78", keyed),
        f"{keyed}: Struct{{id=7,{kept}body,photo}}",
        refusal('with the key {"id":7}', "7687", "photo 4056, body 3057, n 78", keyed),
        f"{keyed}: Struct{{id=7,{kept}photo,body}}",
        refusal("without a key", "3556", "body 3057, n 78, id 55", keyless),
        f"{keyless}: Struct{{id=7,{kept}body}}",
        "passed whole",
    ]


def test_json_is_kafkas_byte_for_byte_and_value_for_value(tmp_path: Path) -> None:
    """Records of all types in any order, and malformed ones; the first line has a seed if not."""
    assert run_random("JsonRecords", tmp_path / "jars") == [
        "equal",
        "a schema is asked for its columns once: true",
        "forgotten after 256 others: true",
        "a schema that Kafka's converter has forgotten is found: true",
        "forgotten after 4 others of its topic: true",
        "forgotten after 1000 other topics: true",
    ]


def test_one_transform_flattens_as_three_do(tmp_path: Path) -> None:
    """Changes of all types of columns, and other records; the first line has a seed if not."""
    allowed = "for configuration add.fields: allowed: op, ts_ms and source.NAME"
    unknown = ("source", "after", "op:operation")
    debezium = "io/debezium/debezium-connector-postgres/2.4.*"
    assert run_random("FlattenedChanges", tmp_path / "jars", debezium) == [
        "equal",
        *(f"{operation} is flat: true" for operation in "cudrt"),
        "one schema, forgotten after 256 others: true",
        *(f"{name}: Invalid value {name} {allowed}" for name in unknown),
    ]


def test_a_text_above_jacksons_limit_is_read(tmp_path: Path) -> None:
    assert run_driver("LongText.java", tmp_path / "jars") == ["true"]


def test_events_are_counted_by_table_and_operation_and_judged(tmp_path: Path) -> None:
    """Incomplete: a delete with __deleted=false, no key, no position, an unknown operation.

    A table whose events never have a key has none, so nothing is missing; nor is in a TRUNCATE.
    """
    lines = run_driver("CountedEvents.java", tmp_path / "jars")
    log, orders, users = (
        f"checkpoint=source,table=public.{table}" for table in ("log", "orders", "users")
    )
    shop = "checkpoint=source,source=shop,table=public.users"
    assert set(lines) == {
        f"type=events,{shop},operation=c total=1.0",
        f"type=quality,{shop} score=1.0",
        f"type=events,{log},operation=c total=1.0",
        f"type=events,{log},operation=d total=1.0",
        f"type=quality,{log} score=1.0",
        f"type=events,{users},operation=c total=1.0",
        f"type=events,{users},operation=u total=1.0",
        f"type=events,{users},operation=d total=2.0",
        f"type=events,{orders},operation=c total=2.0",
        f"type=events,{orders},operation=t total=1.0",
        f"type=events,{orders},operation=x total=1.0",
        f"type=events,{orders},operation=r total=1.0",
        f"type=quality,{users} score=0.75",
        f"type=quality,{orders} score=0.4",
        "type=kafka-metrics-count count=25.0",
    }
