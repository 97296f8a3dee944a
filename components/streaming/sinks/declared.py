"""The sinks that a stack declares, found by the names in its file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from components.archive import SinkNeeds
from components.archive.statements import Statement
from components.config import ConfigError, StackConfig
from components.security.flow import Flow
from components.settings import Settings
from components.streaming import sinks
from components.streaming.connectors.converters import stack_converter
from components.streaming.connectors.memory import Workers
from components.streaming.connectors.sink import SinkConnector
from components.streaming.sinks.protocol import KINDS, ArchiveSink, Sink, SinkArgs


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

    def _statements(self, bucket_arn: str, database_arn: str | None) -> list[Statement]:
        found: list[Statement] = []
        for sink in self:
            statements = sink.iam_statements(bucket_arn, database_arn)
            found += [one for one in statements if one not in found]
        return found

    def require_fit(self, workers: Workers, brokers: int) -> str | None:
        """Raise ValueError where the connectors do not fit the topics, brokers or workers.

        Returns a warning where no number of tasks would fit the workers' heap.
        """
        for connector in self.connectors.values():
            connector.require_partitions(workers.partitions)
            connector.require_brokers(brokers)
        return workers.require_heap(self.connectors)


def declared_sinks(config: StackConfig) -> Sinks:
    """Return the sinks that a stack's configuration asks for.

    Raises ConfigError where a kind does not exist or its section is wrong.
    """
    kinds = _kinds()
    archives = {name: kind for name, kind in kinds.items() if issubclass(kind, ArchiveSink)}
    archive = _sink("archive.sink", config.archive.sink, Settings(), archives, config)
    assert isinstance(archive, ArchiveSink), archive  # by its key in `archives`
    further = {
        name: _sink(f"sinks.{name}", name, _options(name, given, kinds), kinds, config)
        for name, given in config.sinks.items()
    }
    return Sinks(archive, further)


def _kinds() -> Mapping[str, type[Sink]]:
    """Return every kind; importing the modules of this package registers theirs."""
    for module in pkgutil.iter_modules(sinks.__path__, f"{sinks.__name__}."):
        importlib.import_module(module.name)
    return KINDS


def _unknown(key: str, name: str, allowed: Iterable[str]) -> ConfigError:
    return ConfigError(
        f"datapipe:{key}: {name!r} is not a kind of sink that can be used here;"
        f" allowed: {', '.join(sorted(allowed))}"
    )


def _options(name: str, given: Mapping[str, Any], kinds: Mapping[str, type[Sink]]) -> Settings:
    section = f"sinks.{name}"
    if name not in kinds:
        raise _unknown(section, name, kinds)
    try:
        return kinds[name].options_type.model_validate(given)
    except ValidationError as error:
        problems = "\n".join(
            f"  datapipe:{'.'.join([section, *map(to_camel, map(str, one['loc']))])}: {one['msg']}"
            for one in error.errors()
        )
        raise ConfigError(f"the stack's sinks can't be used:\n{problems}") from None


def _sink(
    key: str,
    name: str,
    options: Settings,
    kinds: Mapping[str, type[Sink]],
    config: StackConfig,
) -> Sink:
    if name not in kinds:
        raise _unknown(key, name, kinds)
    args = SinkArgs(
        options=options,
        archive=config.archive,
        aws=config.aws,
        tables=config.tables,
        converter=stack_converter(config.connect, config.registry, config.security.namespace),
        count_events=config.metrics.enabled,
        dead_letter_replication=config.kafka.replication_factor,
        images=config.images.resolve(),
        plugin_digests=config.connect.plugin_digests,
    )
    try:
        return kinds[name](args)
    except ValueError as error:
        raise ConfigError(f"datapipe:{key}: {error}") from None
