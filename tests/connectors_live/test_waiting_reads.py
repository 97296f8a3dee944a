"""A first snapshot that is faster than the sink waits, as topics delete what was not read."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from psycopg import sql

from components.streaming.connectors.debezium import DebeziumPostgresConnector
from components.streaming.connectors.waiting_reads import CLIENT
from polling import NotReadyError, poll_until
from tests.connectors_live.worker_site import Site

NAME = "waiting_reads"
TOPIC = f"{NAME}.public.{NAME}"
# A name that no connector has: its group has read nothing until the test says so.
SINK = "sink_of_waiting_reads"
ROWS = 60_000
# A broker deletes no segment within the test's time, so that both ends of the topic are seen.
KEPT_BYTES = 2 * 1024 * 1024
STANDS_STILL_SECONDS = 6
TIMEOUT_SECONDS = 120


@pytest.fixture
def table(site: Site) -> Iterator[None]:
    """A table whose rows take more than what its topic keeps."""
    created = sql.SQL(
        "CREATE TABLE {} AS SELECT n AS id, md5(n::text) AS a, md5((-n)::text) AS b"
        " FROM generate_series(1, {}) AS n"
    )
    site.connection.execute(created.format(sql.Identifier("public", NAME), sql.Literal(ROWS)))
    site.connection.execute(f"CREATE PUBLICATION {NAME} FOR TABLE public.{NAME}")
    site.connection.execute(f"GRANT SELECT ON public.{NAME} TO {_account(site)}")
    site.make_topics(f"{NAME}.transaction")
    settings = {"retention.bytes": str(KEPT_BYTES)}
    admin = AdminClient({**site.outputs.kafka})
    replicas = len(admin.list_topics(timeout=10).brokers)
    for made in admin.create_topics([NewTopic(TOPIC, 1, replicas, config=settings)]).values():
        made.result()
    yield
    site.forget(NAME)
    site.connection.execute(f"DROP PUBLICATION {NAME}")
    site.connection.execute(f"DROP TABLE public.{NAME}")
    site.delete_topics(TOPIC, f"{NAME}.transaction")


def _account(site: Site) -> str:
    found = site.connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolreplication AND rolname LIKE 'debezium%'"
        " ORDER BY rolname DESC"
    ).fetchone()
    assert found
    return str(found["rolname"])


def test_rows_are_read_while_the_sink_is_not_far_behind(site: Site, table: None) -> None:
    pipeline = site.connect().config("postgres-cdc-connector")
    brokers = {"bootstrap.servers": pipeline[f"{CLIENT}bootstrap.servers"]}
    fields = site.source(NAME, NAME, waits_for=SINK, brokers=brokers)
    connector = DebeziumPostgresConnector.model_validate(fields)
    site.connect().put(NAME, connector.properties())
    partition = TopicPartition(TOPIC, 0)
    reader = Consumer({**site.outputs.kafka, "group.id": f"connect-{SINK}"})
    seen, since = 0, 0.0

    def records() -> int:
        return int(reader.get_watermark_offsets(partition, timeout=10)[1])

    def stands_still() -> int:
        nonlocal seen, since
        now = records()
        if now == 0 or now != seen:
            seen, since = now, time.monotonic()
            raise NotReadyError(f"{now} records")
        return now if time.monotonic() - since > STANDS_STILL_SECONDS else 0

    def all_read() -> bool:
        reader.commit(offsets=[TopicPartition(TOPIC, 0, records())], asynchronous=False)
        return records() >= ROWS

    waited_at = poll_until(
        stands_still,
        timeout=TIMEOUT_SECONDS,
        interval=0.5,
        description="the reading to wait",
        # A broker learns of a new topic a moment after its creation is granted.
        retry_on=(KafkaException,),
    )
    assert 0 < waited_at < ROWS
    assert site.connect().status(NAME)["tasks"][0]["state"] == "RUNNING"
    poll_until(all_read, timeout=TIMEOUT_SECONDS, interval=1, description="all rows to be read")
    reader.close()
