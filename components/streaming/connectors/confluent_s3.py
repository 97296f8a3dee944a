"""Confluent's S3 sink connector (design: "Kafka Connect S3 Sink")."""

import re
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field, model_validator

from components.streaming.connectors.model import environment
from components.streaming.connectors.sink import SinkConnector

# S3's smallest part of a multipart upload (but the last).
MINIMUM_PART_SIZE = 5 * 1024 * 1024

# Of a record in a file's buffer, before encoding: what JSON with its schema took on the wire.
RECORD_BYTES = 1300

# A part's buffer is larger than half a region of G1, so it takes whole ones of its own.
G1_REGION = 1024 * 1024

# Of a folder of the archive: an hour.
FOLDER_MS = 3_600_000

# The units of a path format, coarse to fine, with their length; months and years vary.
PATH_UNITS_MS = {"YYYY": None, "MM": None, "dd": 86_400_000, "HH": 3_600_000, "mm": 60_000}


class ConfluentS3SinkConnector(SinkConnector):
    """Writes each topic partition's records to Parquet files under a folder per hour."""

    connector_class: Literal["io.confluent.connect.s3.S3SinkConnector"] = Field(
        default="io.confluent.connect.s3.S3SinkConnector",
        serialization_alias="connector.class",
    )
    tasks_max: int = Field(default=24, ge=1, serialization_alias="tasks.max")
    topics_regex: str = Field(
        default=r"postgres\.public\..*", min_length=1, serialization_alias="topics.regex"
    )

    bucket: str = Field(default=environment("S3_BUCKET_NAME"), serialization_alias="s3.bucket.name")
    region: str = Field(default="us-east-1", serialization_alias="s3.region")
    topics_dir: str = Field(default="topics", min_length=1, serialization_alias="topics.dir")
    endpoint: str | None = Field(
        default=None,
        serialization_alias="store.url",
        description="of an AWS stand-in; None is AWS itself",
    )
    part_bytes: int = Field(
        default=MINIMUM_PART_SIZE, ge=MINIMUM_PART_SIZE, serialization_alias="s3.part.size"
    )
    encryption: Literal["AES256", "aws:kms"] | None = Field(
        default=None, serialization_alias="s3.ssea.name", description="None: the bucket's default"
    )
    kms_key: str | None = Field(default=None, serialization_alias="s3.sse.kms.key.id")

    compression: Literal["snappy", "gzip", "zstd", "none"] = Field(
        default="snappy", serialization_alias="parquet.codec"
    )
    row_group_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024 * 1024, serialization_alias="parquet.block.size"
    )
    page_bytes: int = Field(default=1024 * 1024, ge=1024, serialization_alias="parquet.page.size")

    partition_duration_ms: int = Field(
        default=FOLDER_MS, ge=60_000, serialization_alias="partition.duration.ms"
    )
    path_format: str = Field(
        default="'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", serialization_alias="path.format"
    )
    locale: str = Field(default="en-US", serialization_alias="locale")
    timezone: str = Field(default="UTC", serialization_alias="timezone")
    timestamp_extractor: Literal["Record", "RecordField", "Wallclock"] = Field(
        default="Record", serialization_alias="timestamp.extractor"
    )
    timestamp_field: str | None = Field(default=None, serialization_alias="timestamp.field")
    flush_size: int = Field(default=1000, ge=1, serialization_alias="flush.size")
    rotate_interval_ms: int = Field(
        default=60_000,
        ge=1000,
        serialization_alias="rotate.interval.ms",
        description="in the records' time: a file is closed by a later record of its partition",
    )
    rotate_schedule_interval_ms: int | None = Field(
        default=None,
        ge=1000,
        serialization_alias="rotate.schedule.interval.ms",
        description="by the clock, in the timezone above: files of a quiet partition are closed,"
        " too, but their content no longer follows from the records, so not exactly once",
    )

    null_values: Literal["ignore", "fail", "write"] = Field(
        default="ignore", serialization_alias="behavior.on.null.values"
    )
    retry_backoff_ms: int = Field(default=2000, ge=1, serialization_alias="s3.retry.backoff.ms")
    retry_jitter_ms: int = Field(default=1000, ge=0, serialization_alias="s3.retry.jitter.ms")
    max_retries: int = Field(default=7, ge=0, serialization_alias="s3.max.retries")

    def fixed_properties(self) -> Mapping[str, str]:
        """Parquet on S3, partitioned by time."""
        return {
            **self.transforms(),
            "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
            "partitioner.class": ("io.confluent.connect.storage.partitioner.TimeBasedPartitioner"),
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        }

    def require_topics(self, available: Collection[str]) -> None:
        """Raise ValueError where its expression matches none of the stack's topics."""
        super().require_topics(available)
        if not any(re.fullmatch(self.topics_regex, topic) for topic in available):
            raise ValueError(
                f"connector {self.name}: topics_regex {self.topics_regex} matches no topic of the"
                " stack, so it would archive nothing"
            )

    def open_files(self, tasks: int, tables: int, partitions: int) -> int:
        """Return a file per topic partition, whoever writes it."""
        return partitions

    def file_bytes(self) -> int:
        """Return the part's buffer, taken when the file is opened, and the row group."""
        regions = self.part_bytes // G1_REGION + 1
        return regions * G1_REGION + min(self.row_group_bytes, self.flush_size * RECORD_BYTES)

    @model_validator(mode="after")
    def _times_agree(self) -> "ConfluentS3SinkConnector":
        finest, length = self._finest_path_unit()
        if length != self.partition_duration_ms:
            raise ValueError(
                f"path_format {self.path_format} makes a folder per {finest}, but"
                f" partition_duration_ms is {self.partition_duration_ms}; set it to {length}, or"
                " two partitions would share a folder or one be torn"
            )
        if self.rotate_interval_ms > self.partition_duration_ms:
            raise ValueError(
                f"rotate_interval_ms {self.rotate_interval_ms} is above partition_duration_ms"
                f" {self.partition_duration_ms}: no file lives longer than its folder"
            )
        return self

    def _finest_path_unit(self) -> tuple[str, int]:
        pattern = re.sub(r"'[^']*'", "", self.path_format)
        present = [unit for unit in PATH_UNITS_MS if unit in pattern]
        coarse_to_fine = list(PATH_UNITS_MS)[: len(present)]
        length = PATH_UNITS_MS[present[-1]] if present else None
        if present != coarse_to_fine or length is None:
            raise ValueError(
                f"path_format {self.path_format} must name YYYY, MM, dd and, for shorter"
                " partitions, HH and mm, without a gap"
            )
        return present[-1], length

    @model_validator(mode="after")
    def _choices_are_complete(self) -> "ConfluentS3SinkConnector":
        if (self.timestamp_extractor == "RecordField") != (self.timestamp_field is not None):
            raise ValueError("timestamp_extractor RecordField and timestamp_field go together")
        if (self.encryption == "aws:kms") != (self.kms_key is not None):
            raise ValueError("encryption aws:kms and kms_key go together")
        return self
