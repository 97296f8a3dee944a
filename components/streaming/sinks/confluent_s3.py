"""The archive as Parquet files on S3, in a folder for each table and hour (the design)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from components.config.captured_database import CapturedDatabase
from components.settings import InvalidKeysError
from components.streaming.connect.plugins import PluginArchive
from components.streaming.connectors.confluent_s3 import FOLDER_MS, ConfluentS3SinkConnector
from components.streaming.connectors.sink import MAX_POLL_RECORDS, SinkConnector
from components.streaming.sinks.file_count import FileCount, Remark
from components.streaming.sinks.kafka_compatibility import incompatibility
from components.streaming.sinks.protocol import SinkArgs, sink_kind
from components.streaming.sinks.s3 import SINK, S3Sink
from components.streaming.topic_names import TopicNames

# The design's number.
DEFAULT_TASKS = 24
HUB_PLUGIN = PluginArchive(
    folder="s3-sink",
    path="confluentinc/kafka-connect-s3/versions/{version}",
    digest_key="s3Sink",
)


@sink_kind("confluent-s3")
class ConfluentS3Sink(S3Sink):
    """Confluent's S3 sink connector."""

    # Old files may have to be restored before they can be read.
    cold_storage_class = "GLACIER"

    def __init__(self, args: SinkArgs) -> None:
        super().__init__(args)
        if not args.images.confluent_plugins:
            problem = "confluent-s3 is not in the images of this stack's images.family; set iceberg"
            raise InvalidKeysError(("archive.sink", problem))
        if args.archive.rotate_interval_ms > FOLDER_MS:
            problem = (
                f"{args.archive.rotate_interval_ms} is above {FOLDER_MS}: confluent-s3 writes a"
                f" folder for each hour, and no file is open longer; set at most {FOLDER_MS}"
            )
            raise InvalidKeysError(("archive.rotateIntervalMs", problem))
        if unfit := incompatibility(args.images.connect, args.s3_sink_version):
            raise InvalidKeysError(("images.connect", unfit))

    @cached_property
    def connector(self) -> ConfluentS3SinkConnector:
        """The connector, which reads the topics of all captured schemas."""
        archive, aws = self.args.archive, self.args.aws
        return ConfluentS3SinkConnector(
            name=SINK,
            tasks_max=archive.tasks or DEFAULT_TASKS,
            topics_regex=_one_of([_topics_of(database) for database in self.args.databases]),
            topics_dir=archive.prefix,
            region=aws.region,
            endpoint=aws.endpoint,
            encryption=archive.encryption,
            kms_key=archive.kms_key_arn,
            flush_size=archive.flush_size,
            rotate_interval_ms=archive.rotate_interval_ms,
            rotate_schedule_interval_ms=(
                archive.rotate_interval_ms if archive.rotation == "schedule" else None
            ),
            key_converter=self.args.converter,
            value_converter=self.args.converter,
            errors=self.errors,
            row_size=self.args.row_size,
            max_poll_records=self.args.row_size.polled_records(MAX_POLL_RECORDS),
            count_events_of=self.counted,
        )

    def remarks(self, partitions: int, fits: Callable[[SinkConnector], bool]) -> tuple[Remark, ...]:
        """Return how many files are written, with settings for fewer where they are many."""
        archive = self.args.archive
        files = FileCount(
            partitions, archive.flush_size, archive.rotate_interval_ms, archive.rows_per_second
        )
        return (
            files.remark(
                lambda flush: fits(self.connector.model_copy(update={"flush_size": flush}))
            ),
        )

    def hub_plugin(self) -> PluginArchive:
        """Return the archive, with its digest where the stack pins it."""
        return replace(
            HUB_PLUGIN,
            path=HUB_PLUGIN.path.format(version=self.args.s3_sink_version),
            sha256=self.args.plugin_digests.s3_sink,
        )

    def archived_tables(self, database: CapturedDatabase) -> dict[str, str]:
        """Return the folders below the bucket."""
        prefix, topics = self.args.archive.prefix, TopicNames(database.topic_prefix)
        return {table: f"{prefix}/{topics.of(table)}" for table in database.tables}


def _topics_of(database: CapturedDatabase) -> str:
    """Return a pattern of the topics of all captured schemas of a database."""
    schemas = sorted({table.partition(".")[0] for table in database.tables})
    return rf"{database.topic_prefix}\.{_one_of(schemas)}\..*"


def _one_of(patterns: Sequence[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"
