"""What each stage can do alone, with the same rows on the same machine: reference rates."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pyarrow as pa
import pyarrow.parquet
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from psycopg import sql

from bench import sample_schema
from bench.iceberg_files import IcebergFiles
from bench.load import Load
from bench.result import Reference
from bench.schedule import Schedule
from clients.cluster import Cluster
from clients.connect import connectors_path
from clients.database import Row
from clients.stack import StackError, StackOutputs
from workload.progress import Log
from workload.source import Connect, wal_position

# Of copies of the sample tables that no connector captures.
SCHEMA = "bench"
SLOT, PUBLICATION, TOPIC = "bench_decoding", "bench", "bench-ceiling"
SAMPLED_RECORDS = 4_000
# The worker's settings (components/streaming/connect/configuration.py), for what a connector lacks.
WORKERS_PRODUCER = {
    "acks": "all",
    "enable.idempotence": "true",
    "compression.type": "lz4",
    "linger.ms": "10",
    "batch.size": "32768",
}
OVERRIDE = "producer.override."
PARQUET_ROWS = 200_000


def database_and_decoding(
    outputs: StackOutputs, cluster: Cluster, connect: Connect, schedule: Schedule
) -> list[Reference]:
    """Measure the rows that PostgreSQL commits without a reader, and decodes without a writer.

    The source connector is stopped meanwhile. The load is written to uncaptured copies of the
    tables; pg_recvlogical then reads the WAL of that.
    """
    with stopped_source(cluster, outputs), copies(connect):
        with Load(connect, schedule) as load:
            load.start()
            journal = load.wait()
        with connect() as connection:
            end = wal_position(connection)
        seconds = _drain(outputs, end)
    written = journal.rows / (journal.finished - journal.started)
    return [
        Reference(stage="PostgreSQL", how="the same load, no reader", rate=written),
        Reference(
            stage="decoding", how="pg_recvlogical drains that WAL", rate=journal.rows / seconds
        ),
    ]


@contextmanager
def stopped_source(cluster: Cluster, outputs: StackOutputs) -> Iterator[None]:
    """Stop the database's source connectors for the block, and resume them in any case."""
    paths = [connectors_path(cluster, outputs.connect, name) for name in outputs.source_connectors]
    try:
        for path in paths:
            cluster.put(f"{path}/stop")
        yield
    finally:
        for path in paths:
            cluster.put(f"{path}/resume")


@contextmanager
def copies(connect: Connect) -> Iterator[None]:
    """Create a copy of the sample schema, published to a slot of its own; drop both at the end."""
    with connect() as connection:
        _remove(connection)
        sample_schema.create(connection, SCHEMA)
        connection.execute(
            sql.SQL("CREATE PUBLICATION {} FOR TABLES IN SCHEMA {}").format(
                sql.Identifier(PUBLICATION), sql.Identifier(SCHEMA)
            )
        )
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [SLOT])
    try:
        yield
    finally:
        with connect() as connection:
            _remove(connection)


def _remove(connection: psycopg.Connection[Row]) -> None:
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
        [SLOT],
    )
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(PUBLICATION)))
    sample_schema.drop(connection, SCHEMA)


def _drain(outputs: StackOutputs, end: int) -> float:
    """Return the seconds that pg_recvlogical takes to read up to a position of the WAL.

    It runs in PostgreSQL's pod, where it needs no network and no password.
    """
    reader = (
        f'PATH="$PATH:/usr/lib/postgresql/15/bin" exec pg_recvlogical -h /var/run/postgresql'
        f" -U postgres -d {outputs.database.name} --slot {SLOT} --start --no-loop -f /dev/null"
        f" -o proto_version=1 -o publication_names={PUBLICATION}"
        f" --endpos {end >> 32:X}/{end & 0xFFFFFFFF:X}"
    )
    context = ["--context", outputs.context] if outputs.context else []
    command = ["kubectl", *context, "-n", outputs.namespace, "exec", "postgresql-0", "-c",
               "postgresql", "--", "sh", "-c", reader]  # fmt: skip
    begun = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise StackError(f"pg_recvlogical failed: {result.stderr.strip()}")
    return time.monotonic() - begun


def broker(outputs: StackOutputs, cluster: Cluster, seconds: float) -> Reference:
    """Measure the records of the same size that the brokers acknowledge to a plain producer.

    It sends batches like the source connector's: with smaller ones the brokers take fewer rows
    than the pipeline carries.
    """
    connector = connectors_path(cluster, outputs.connect, outputs.source_connectors[0])
    settings = producer_settings(cluster.get(f"{connector}/config"))
    records = _records(outputs)
    admin = AdminClient({**outputs.kafka})
    like = admin.list_topics(timeout=15).topics
    real = [like[topic] for topic in outputs.topics]
    replicas = len(real[0].partitions[0].replicas)
    partitions = sum(len(topic.partitions) for topic in real)
    topic = NewTopic(TOPIC, partitions, replicas, config={"retention.bytes": str(64 << 20)})
    admin.create_topics([topic])[TOPIC].result()
    try:
        rate = _produce({**outputs.kafka, **settings}, records, seconds)
    finally:
        admin.delete_topics([TOPIC])[TOPIC].result()
    size = sum(map(len, records)) / len(records)
    return Reference(
        stage="brokers",
        how=(
            f"a plain producer, the same records of {size:.0f} bytes, acks={settings['acks']}, "
            f"linger {settings['linger.ms']} ms, batches of {settings['batch.size']} bytes"
        ),
        rate=rate,
    )


def producer_settings(connector: Mapping[str, str]) -> dict[str, str]:
    """Return librdkafka's settings for a producer like a source connector's."""
    return {
        name: connector.get(f"{OVERRIDE}{name}", given) for name, given in WORKERS_PRODUCER.items()
    }


def _produce(settings: dict[str, str], records: list[bytes], seconds: float) -> float:
    producer = Producer(settings)
    begun, sent = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        for record in records:
            try:
                producer.produce(TOPIC, record)
            except BufferError:
                producer.poll(0.05)
            else:
                sent += 1
        producer.poll(0)
    producer.flush(60)
    return sent / (time.monotonic() - begun)


def _records(outputs: StackOutputs) -> list[bytes]:
    """Return the values of some records of the topics. Raises StackError without any."""
    consumer = Consumer(
        {
            **outputs.kafka,
            "group.id": "datapipe-bench",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        known = consumer.list_topics(timeout=15).topics
        wanted = []
        for name in outputs.topics:
            for number in known[name].partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=15)
                wanted.append(TopicPartition(name, number, max(low, high - SAMPLED_RECORDS // 8)))
        consumer.assign(wanted)
        messages = consumer.consume(SAMPLED_RECORDS, timeout=20)
    finally:
        consumer.close()
    values = [value for message in messages if (value := message.value()) is not None]
    if not values:
        raise StackError("the topics have no record to repeat; run a load first")
    return values


def parquet(
    files: IcebergFiles, tables: tuple[str, ...], seconds: float, since: float
) -> Reference:
    """Measure how many archived rows pyarrow writes to Parquet in memory, with snappy."""
    rows = [_last_rows(files, table, since) for table in tables]
    begun, written = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        for table in rows:
            sink = pa.BufferOutputStream()
            pyarrow.parquet.write_table(table, sink, compression="snappy")
            written += table.num_rows
    rate = written / (time.monotonic() - begun)
    return Reference(stage="Parquet", how="pyarrow writes the same rows, snappy", rate=rate)


def _last_rows(files: IcebergFiles, table: str, since: float) -> pa.Table:
    read: list[pa.Table] = []
    for file in reversed(files.files(table, since)):
        read.append(files.rows(table, file, None))
        if sum(each.num_rows for each in read) >= PARQUET_ROWS // 4:
            break
    if not read:
        raise StackError(f"the archive has no row of {table} to repeat; run a load first")
    return pa.concat_tables(read, promote_options="default")


def measure_all(
    outputs: StackOutputs,
    cluster: Cluster,
    connect: Connect,
    *,
    files: IcebergFiles,
    schedule: Schedule,
    since: float,
    log: Log,
) -> list[Reference]:
    """Measure every stage; `schedule` has no rate, rows archived after `since` are repeated."""
    log("PostgreSQL alone, then decoding alone")
    found = database_and_decoding(outputs, cluster, connect, schedule)
    log("brokers alone")
    found.append(broker(outputs, cluster, schedule.seconds))
    log("Parquet alone")
    found.append(parquet(files, outputs.tables, schedule.seconds / 2, since))
    return found
