"""The arguments of the security layer."""

from dataclasses import dataclass
from ipaddress import IPv4Network

from components.config import StackConfig
from components.config.cluster import ClusterSettings
from components.config.metrics import MetricsSettings
from components.config.security import SecuritySettings
from components.config.streaming import KafkaSettings
from components.security.flow import Flow, flow_to_aws
from components.workloads import Workload


@dataclass(frozen=True)
class DatabaseAddresses:
    """Where an existing database may be."""

    networks: tuple[IPv4Network, ...]
    port: int


@dataclass(frozen=True)
class SecurityArgs:
    """What the security layer needs from the others: their ports, and what they may connect to."""

    settings: SecuritySettings
    cluster: ClusterSettings
    postgresql_port: int | None  # None: the stack has no managed database
    existing_databases: tuple[DatabaseAddresses, ...]
    kafka: KafkaSettings
    connect_port: int
    registry_port: int | None  # None: the stack has no registry
    sink_flows: tuple[Flow, ...]  # connections that the sinks open
    downloads_plugins: bool  # the worker's init container gets them from Confluent Hub
    metrics: MetricsSettings
    maintenance_flows: tuple[Flow, ...]  # of the archive's maintenance; none: the stack has no pod

    @classmethod
    def from_config(cls, config: StackConfig, sink_flows: tuple[Flow, ...]) -> "SecurityArgs":
        """Return the arguments for a stack, whose sinks open these connections."""
        return cls(
            settings=config.security,
            cluster=config.cluster,
            postgresql_port=config.managed.settings.port if config.managed else None,
            existing_databases=tuple(
                DatabaseAddresses(one.existing.allowed_networks, one.existing.port)
                for one in config.databases
                if one.existing
            ),
            kafka=config.kafka,
            connect_port=config.connect.port,
            registry_port=config.registry.port if config.needs_registry else None,
            sink_flows=sink_flows,
            downloads_plugins=config.connect.plugins == "hub",
            metrics=config.metrics,
            maintenance_flows=(
                (flow_to_aws(config.aws.endpoint, Workload.MAINTENANCE),)
                if config.archive.maintenance_kind == "job"
                else ()
            ),
        )

    @property
    def workloads(self) -> list[Workload]:
        """The workloads of this stack."""
        absent = {
            *((Workload.REGISTRY,) if self.registry_port is None else ()),
            *(() if self.maintenance_flows else (Workload.MAINTENANCE,)),
            *((Workload.POSTGRESQL,) if self.postgresql_port is None else ()),
        }
        return [workload for workload in Workload if workload not in absent]
