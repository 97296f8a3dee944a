"""A second sink in one file, as CONTRIBUTING.md describes it: it posts changes to a server."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, cast

import pulumi
from pydantic import Field

from components.archive.layer import Archive
from components.archive.statements import Statement, allow
from components.security.flow import Flow, Network
from components.settings import Settings
from components.streaming.connectors.errors import SinkErrors
from components.streaming.connectors.sink import SinkConnector
from components.streaming.sinks.protocol import Sink, sink_kind
from components.workloads import Workload

MEBIBYTE = 1024 * 1024


class ToySettings(Settings):
    """The keys of `datapipe:sinks.toy`."""

    address: str
    tasks: int = Field(default=2, ge=1)


class ToyConnector(SinkConnector):
    """A connector that holds 1 MiB for each partition."""

    connector_class: Literal["example.ToySink"] = Field(
        default="example.ToySink", serialization_alias="connector.class"
    )
    topics: tuple[str, ...] = Field(serialization_alias="topics")
    key: str = Field(default="${env:TOY_KEY}", serialization_alias="toy.api.key")

    def named_topics(self) -> frozenset[str]:
        """Return its dead letter queue and the topics that it reads."""
        return super().named_topics() | set(self.topics)

    def open_files(self, tasks: int, tables: int, partitions: int) -> int:
        """Return a buffer per partition."""
        return partitions

    def file_bytes(self) -> int:
        """Return a mebibyte."""
        return MEBIBYTE


@sink_kind("toy")
class ToySink(Sink):
    """Posts the captured tables' changes to a server."""

    options_type = ToySettings

    @property
    def options(self) -> ToySettings:
        return cast("ToySettings", self.args.options)

    @cached_property
    def connector(self) -> ToyConnector:
        return ToyConnector(
            name="toy-sink-connector",
            tasks_max=self.options.tasks,
            topics=self.args.topics,
            key_converter=self.args.converter,
            value_converter=self.args.converter,
            row_size=self.args.row_size,
            errors=SinkErrors(
                dead_letter_topic="toy-dlq",
                dead_letter_replication=self.args.dead_letter_replication,
            ),
        )

    @property
    def control_topics(self) -> tuple[str, ...]:
        """Its progress."""
        return ("control-toy",)

    def environment(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return the variables with the address to which it posts."""
        return {"TOY_ADDRESS": self.options.address}

    def secrets(self, archive: Archive) -> Mapping[str, pulumi.Input[str]]:
        """Return the key with which it posts."""
        return {"TOY_KEY": "a-key"}

    def flows(self) -> tuple[Flow, ...]:
        """Return the way to the server."""
        return (Flow(Workload.CONNECT, Network(f"{self.options.address}/32"), (8443,), "toy"),)

    def iam_statements(self, bucket_arn: str, database_arns: Sequence[str]) -> list[Statement]:
        """Return the right to read what is archived."""
        return [allow("ReadForToy", ["s3:GetObject"], [f"{bucket_arn}/topics/*"])]

    def jars(self) -> Mapping[str, str]:
        """Return none of Maven's: its plug-in is our own."""
        return {"/opt/datapipe/plugins/toy/transforms.jar": "transforms.jar"}
