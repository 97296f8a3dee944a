"""The pipeline: PostgreSQL → Debezium on Kafka Connect → Kafka → Parquet on S3."""

import gc

# The program ends within minutes and needs almost all it allocates until then: searching that for
# garbage again and again took two fifths of its CPU time with 500 tables, and a fifth of the time
# of the imports below.
gc.disable()
# ruff: noqa: E402

import asyncio

import pulumi

from components.archive.athena.layer import declare_athena
from components.archive.layer import Archive, ArchiveArgs
from components.archive.maintenance_limits import MaintenanceLimits
from components.config import load
from components.monitoring.layer import Monitoring
from components.providers import aws_provider, kubernetes_provider
from components.registration import register_without_extras
from components.security.arguments import SecurityArgs
from components.security.layer import Security
from components.security.node_network import require_node_network
from components.source.declared import declare_sources
from components.streaming.access.accounts import Account
from components.streaming.accounts import declare_certificates
from components.streaming.captured_tables import CapturedTables, CapturedTablesArgs
from components.streaming.layer import Streaming, StreamingArgs
from components.streaming.maintenance.warnings import maintenance_warnings
from components.streaming.outputs import source_output
from components.streaming.sinks.declared import declared_sinks
from components.streaming.topic_names import CONNECT_DEAD_LETTERS
from components.workloads import Workload

register_without_extras()
config = load()
require_node_network(config.cluster)
for warning in maintenance_warnings(config):
    pulumi.warn(warning)
sinks = declared_sinks(config)
on_cluster = pulumi.ResourceOptions(providers=[kubernetes_provider(config.cluster)])
on_aws = pulumi.ResourceOptions(providers=[aws_provider(config.aws)])

certificates = declare_certificates(config)
identities = certificates.identities if certificates else {}
client = identities.get(Account.CLIENTS)

captured = CapturedTables("captured-tables", CapturedTablesArgs.from_config(config, sinks, client))

security = Security("security", SecurityArgs.from_config(config, sinks.flows), opts=on_cluster)

sources = declare_sources(config, security, captured, on_cluster)

archive = Archive(
    "archive",
    ArchiveArgs.from_config(config, sinks.needs, security.namespace),
    opts=on_aws,
)

athena = declare_athena(
    config,
    bucket=archive.bucket,
    archived=None if sinks.archive.needs_catalog else sinks.archive.archived_tables,
    columns={name: source.columns for name, source in sources.items()},
    keys={name: source.keys for name, source in sources.items()},
    opts=on_aws,
)

streaming = Streaming(
    "streaming",
    StreamingArgs.from_config(
        config,
        sinks,
        namespace=security.namespace,
        credentials=security.credentials,
        captured=captured,
        identities=identities,
        databases=sources,
        archive=archive,
    ),
    opts=on_cluster,
)

limits = MaintenanceLimits.from_config(config.archive, sinks.archive.connector.tasks_max)
if config.metrics.operator:
    Monitoring(
        "monitoring",
        config.metrics,
        security.namespace,
        certificates_end=certificates.ends if certificates else None,
        limits=limits.records() if limits else {},
        opts=on_cluster,
    )

pulumi.export("context", config.cluster.context)
pulumi.export("namespace", security.namespace)
pulumi.export(
    "sources",
    {
        database.name: source_output(
            database,
            sources[database.name],
            streaming.source_connectors[database.name],
            sinks.archive,
        )
        for database in config.databases
    },
)
pulumi.export(
    "deadLetterTopics",
    {
        "sink": sinks.archive.connector.errors.dead_letter_topic,
        "others": [sink.connector.errors.dead_letter_topic for sink in sinks.further.values()],
        "connect": CONNECT_DEAD_LETTERS,
    },
)
pulumi.export(
    "budget",
    {
        "memoryMebibytes": config.budget.memory,
        "cpuMillicores": config.budget.cpu,
        "storageMebibytes": config.budget.storage,
    },
)
pulumi.export("bootstrapServers", streaming.bootstrap_servers)
if certificates and client:
    pulumi.export("kafkaLogin", client.login())
    pulumi.export("kafkaCertificatesEnd", certificates.ends)
pulumi.export("connect", {"service": Workload.CONNECT.value, "port": config.connect.port})
pulumi.export("connectors", streaming.connectors)
pulumi.export(
    "archive",
    {
        "bucket": archive.bucket,
        "prefix": config.archive.prefix,
        "sink": config.archive.sink,
        "region": config.aws.region,
        "endpoint": config.aws.endpoint,
        "maintenance": {
            "kind": config.archive.maintenance_kind,
            "cronJob": streaming.maintenance,
            "schedule": config.archive.maintenance.schedule,
            **(limits.output() if limits else {}),
        },
    },
)
if athena:
    pulumi.export(
        "athena",
        {
            "workgroup": athena.workgroup,
            "databases": athena.views_databases,
            "readerRole": athena.reader_arn,
        },
    )


async def registrations_begin() -> None:
    """Let the requests of all resources begin before Pulumi waits for them.

    It waits for requests that have begun one by one. For values it waits with all that are still
    missing, again after each that arrives: without this, for those of all resources.
    """
    await asyncio.sleep(0)


pulumi.run(registrations_begin)
