"""The sinks that a stack declares, found by the names in its file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import ValidationError

from components.archive.access import SinkNeeds
from components.archive.statements import Statement
from components.config import StackConfig
from components.config.load import refusal
from components.config.messages import messages
from components.row_size import RowSize
from components.security.flow import Flow
from components.settings import InvalidKeysError, Settings
from components.streaming import sinks
from components.streaming.access.transport import Transport
from components.streaming.connectors.converters import stack_converter
from components.streaming.connectors.memory import Workers
from components.streaming.connectors.sink import SinkConnector
from components.streaming.sinks.file_count import Remark
from components.streaming.sinks.protocol import KINDS, ArchiveSink, Sink, SinkArgs, SinkType


@dataclass(frozen=True)
class Sinks:
    """The sinks of a stack."""

    archive: ArchiveSink
    further: Mapping[str, Sink]
    """by their kinds, as `datapipe:sinks` names them"""

    def __iter__(self) -> Iterator[Sink]:
        """Iterate over all sinks, the archive first."""
        return iter((self.archive, *self.further.values()))

    @property
    def connectors(self) -> dict[str, SinkConnector]:
        """The connectors, by the stack file's section that sets their tasks."""
        of_further = {f"sinks.{kind}": sink.connector for kind, sink in self.further.items()}
        return {"archive": self.archive.connector, **of_further}

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The network connections of all sinks, none twice."""
        return tuple(dict.fromkeys(flow for sink in self for flow in sink.flows()))

    @property
    def needs(self) -> SinkNeeds:
        """What the sinks need of the archive layer."""
        return SinkNeeds(
            cold_storage_class=self.archive.cold_storage_class,
            catalog=self.archive.needs_catalog,
            statements=self._statements,
        )

    def _statements(self, bucket_arn: str, database_arns: Sequence[str]) -> list[Statement]:
        found: list[Statement] = []
        for sink in self:
            statements = sink.iam_statements(bucket_arn, database_arns)
            found += [one for one in statements if one not in found]
        return found

    def remarks(self, workers: Workers) -> Iterator[Remark]:
        """Yield what the preview says about the sinks' settings."""
        connectors = self.connectors
        for section, sink in zip(connectors, self, strict=True):

            def fits(connector: SinkConnector, section: str = section) -> bool:
                return workers.fits({**connectors, section: connector}.values())

            yield from sink.remarks(workers.partitions, fits)

    def require_fit(self, workers: Workers, brokers: int) -> str | None:
        """Raise ValueError where the connectors do not fit the topics, brokers or workers.

        Returns a warning where no number of tasks would fit the workers' heap.
        """
        for section, connector in self.connectors.items():
            connector.require_partitions(workers.partitions, section)
            connector.require_brokers(brokers)
            connector.require_row_size(workers.row_size)
        return workers.require_heap(self.connectors)


def declared_sinks(config: StackConfig) -> Sinks:
    """Return the sinks that a stack's configuration asks for.

    Raises ConfigError where a kind does not exist, its section is wrong, or the stack does not
    allow it; before any resource is registered.
    """
    _load_kinds()
    archives = {name: kind for name, kind in KINDS.items() if issubclass(kind, ArchiveSink)}
    # Two sinks of the archive would be one connector, by their name.
    further = {name: kind for name, kind in KINDS.items() if name not in archives}
    try:
        archive = _kind("archive.sink", config.archive.sink, archives)
        found = Sinks(
            archive(_sink_args(config, Settings())),
            {
                name: _further_sink(name, given, config, further)
                for name, given in config.sinks.items()
            },
        )
        _require_own_group(config.connect.group_id, found)
    except InvalidKeysError as error:
        problems = [f"{key}: {problem}" for key, problem in error.problems]
        raise refusal(f"Pulumi.{pulumi.get_stack()}.yaml", "datapipe", problems) from None
    return found


def _require_own_group(group_id: str, found: Sinks) -> None:
    """Require that the workers share their group with no sink's consumers, which Kafka refuses."""
    for access in (sink.access() for sink in found):
        if group_id == access.group or group_id.startswith(access.groups):
            raise InvalidKeysError(
                (
                    "connect.groupId",
                    f"{group_id!r} is a consumer group of {access.connector}; choose another name",
                )
            )


def _load_kinds() -> None:
    """Import every module of this package, so that each registers its kind."""
    for module in pkgutil.iter_modules(sinks.__path__, f"{sinks.__name__}."):
        importlib.import_module(module.name)


def _kind(key: str, name: str, allowed: Mapping[str, SinkType]) -> SinkType:
    if name not in allowed:
        names = ", ".join(sorted(allowed)) or "none, but the archive's (archive.sink)"
        raise InvalidKeysError((key, f"{name!r} is not a kind of sink; allowed: {names}"))
    return allowed[name]


def _further_sink(
    name: str, given: Mapping[str, Any], config: StackConfig, further: Mapping[str, SinkType]
) -> Sink:
    section = f"sinks.{name}"
    kind = _kind(section, name, further)
    try:
        options = kind.options_type.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = [line.partition(": ") for line in messages(error, kind.options_type)]
        raise InvalidKeysError(*((f"{section}.{key}", text) for key, _, text in problems)) from None
    return kind(_sink_args(config, options))


def _sink_args(config: StackConfig, options: Settings) -> SinkArgs:
    return SinkArgs(
        options=options,
        archive=config.archive,
        aws=config.aws,
        databases=config.databases,
        converter=stack_converter(
            config.connect,
            config.registry,
            config.security.namespace,
            Transport.from_config(config),
        ),
        count_events=config.metrics.enabled,
        dead_letter_replication=config.kafka.replication_factor,
        row_size=RowSize(config.kafka.max_row_size),
        images=config.images.resolve(),
        plugin_digests=config.connect.plugin_digests,
        s3_sink_version=config.connect.s3_sink_version,
    )
