"""What a connector does with records that it can't convert or write."""

from typing import Literal

from pydantic import Field

from components.streaming.connectors.model import PropertyGroup


class SourceErrors(PropertyGroup):
    """Of a source connector. There is no dead letter queue: Connect has one for sinks only.

    With tolerance `all` a row that can't be converted would be lost, so the task stops.
    """

    tolerance: Literal["none", "all"] = Field(default="none", serialization_alias="tolerance")
    log_enable: bool = Field(default=True, serialization_alias="log.enable")
    log_messages: bool = Field(default=True, serialization_alias="log.include.messages")
    retry_timeout_ms: int = Field(default=300_000, ge=-1, serialization_alias="retry.timeout")
    retry_delay_max_ms: int = Field(default=60_000, ge=1, serialization_alias="retry.delay.max.ms")


class SinkErrors(PropertyGroup):
    """Of a sink connector: a record that can't be converted goes to the dead letter queue."""

    tolerance: Literal["none", "all"] = Field(default="all", serialization_alias="tolerance")
    log_enable: bool = Field(default=True, serialization_alias="log.enable")
    log_messages: bool = Field(default=True, serialization_alias="log.include.messages")
    retry_timeout_ms: int = Field(
        default=0,
        ge=-1,
        serialization_alias="retry.timeout",
        description="of conversions; uploads to S3 have retries of their own",
    )
    dead_letter_topic: str = Field(
        default="s3-sink-dlq", serialization_alias="deadletterqueue.topic.name"
    )
    dead_letter_replication: int = Field(
        default=3, ge=1, serialization_alias="deadletterqueue.topic.replication.factor"
    )
    dead_letter_headers: bool = Field(
        default=True, serialization_alias="deadletterqueue.context.headers.enable"
    )
